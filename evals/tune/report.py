"""What tuning found, as plain values: for `--json` and for the page."""

from __future__ import annotations

from typing import Literal

import msgspec

from stepwell.evals.tune.frontier import Floor, Frontier

# routers that every report shows
ROUTER, LENGTH, MIX, ORACLE = "this router", "prompt length", "random mix", "oracle"


class Verdict(msgspec.Struct, frozen=True):
    """What became of the promise.

    Attributes:
        by: What keeps it: the learned router, a fixed mix of tiers, or the premium tier alone.
        q: Share of the premium tier's mean quality that was asked for.
        confidence: One-sided, of the bound.
        headline: One sentence in plain words.
        said: What else there is to say, a sentence each.
        n_labels: On which the bound was tested.
        n_labels_needed: How many would settle what these could not; None where nothing is open, or none would.
    """

    by: Literal["router", "mix", "premium"]
    q: float
    confidence: float
    headline: str
    said: tuple[str, ...]
    n_labels: int
    n_labels_needed: int | None = None

    @property
    def is_learned(self) -> bool:
        """Whether the learned router, and not a fallback, keeps the promise."""
        return self.by == "router"


class Figure(msgspec.Struct, frozen=True):
    """One measure of one router; `low` and `high` are None for what is known without data."""

    measure: str
    router: str
    value: float
    low: float | None = None
    high: float | None = None


class Bin(msgspec.Struct, frozen=True):
    """Rows with like p(ok): what was predicted, and what came (mean score with its 95 % interval)."""

    predicted: float
    observed: float
    low: float
    high: float
    n: int


class Reliability(msgspec.Struct, frozen=True):
    """Whether a tier's p(ok) can be taken at its word, on rows that training has not seen.

    Attributes:
        bins: By rising p(ok), about a tenth of the rows each.
        error: Mean distance of predicted from observed over the bins, by their rows.
    """

    tier: str
    bins: tuple[Bin, ...]
    error: float


class Domain(msgspec.Struct, frozen=True):
    """What the policy does with one kind of request.

    Attributes:
        shares: Of its requests by tier, cheapest first.
        quality: Mean score as routed; `premium_quality`: had all gone to the premium tier.
    """

    name: str
    n: int
    shares: tuple[float, ...]
    quality: float
    premium_quality: float


class Origin(msgspec.Struct, frozen=True):
    """Where the numbers come from; enough to make them again.

    Attributes:
        data: Name of the file, without its folders.
        made_on: Day, as 2026-11-21.
        trained_on: What else is worth saying of the training, as "5-fold, out of fold".
    """

    data: str
    data_sha256: str
    n_rows: int
    command: str
    seed: int
    version: str
    made_on: str
    embedder: str = ""
    trained_on: str = ""
    usd_per_1m: tuple[tuple[float, float] | None, ...] = ()


class TuneReport(msgspec.Struct, frozen=True):
    """All of it. No text of any row: ids and domains only."""

    title: str
    verdict: Verdict
    policy: Floor
    frontier: Frontier
    figures: tuple[Figure, ...]
    reliability: tuple[Reliability, ...]
    domains: tuple[Domain, ...]
    origin: Origin

    @property
    def tiers(self) -> tuple[str, ...]:
        return self.frontier.tiers
