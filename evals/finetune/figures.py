"""The report on a fine-tuned model: figures by arm, verdicts by pair, and what they are tied to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.data.whole import write_whole
from stepwell.evals.verdict.needed import round_up
from stepwell.evals.verdict.pair import Word

if TYPE_CHECKING:
    from collections.abc import Sequence

REPORT = "eval.json"
BASE, BASE_SCHEMA, ADAPTER = "base", "base+schema", "adapter"
HEADS = ("head-tfidf", "head-embedding")


class ArmFigures(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one arm did on the held-out examples.

    Attributes:
        n: Answers with a score; `errors` counts the others by code.
        exact: Share that is right, with its 95 % interval; a judge's mean grade for free text.
        valid: Share that a program can parse as JSON; `fields`: mean share of the fields that are right.
        p50_s, p95_s: Until the whole answer is there, as many at once as the report says.
        wall_s: For all of them; None where some were taken over from an earlier run.
    """

    name: str
    model: str
    n: int
    exact: float | None
    low: float
    high: float
    valid: float | None = None
    fields: float | None = None
    p50_s: float | None = None
    p95_s: float | None = None
    wall_s: float | None = None
    cost_usd: float = 0.0
    errors: dict[str, int] = {}

    @property
    def n_errors(self) -> int:
        return sum(self.errors.values())


class PairFigures(msgspec.Struct, frozen=True, omit_defaults=True):
    """What can be said of `a` against `b`, as of `verdict.pair.Pair`.

    Attributes:
        at_worst: The word if every error of `a` were a wrong answer, and every error of `b` a right one.
    """

    a: str
    b: str
    word: Word
    at_worst: Word
    difference: float
    low: float
    high: float
    p: float
    n_rows: int
    n_only_a: int
    n_only_b: int
    n_more: int | None = None
    method: str = ""

    @property
    def said(self) -> str:
        """One sentence, with the figures."""
        between = f"[{self.low:+z.3f}, {self.high:+z.3f}]"
        sized = f"{self.difference:+z.3f} {between}, p {self.p:.2g}, {self.n_rows:,} examples"
        if self.word in ("better", "worse"):
            return f"{self.a} is {self.word} than {self.b}: {sized}"
        if self.word == "tied":
            return f"{self.a} and {self.b} are tied: {sized}"
        more = "" if self.n_more is None else f"; about {round_up(self.n_more):,} more examples would tell"
        close = " (the interval clears 0, the exact test does not yet)" if self.is_close else ""
        return f"{self.a} and {self.b} can't be told apart yet: {sized}{close}{more}"

    @property
    def is_close(self) -> bool:
        """As of `verdict.pair.Pair`: a few more rows like these decide it."""
        return self.word == "need more" and (self.low > 0 or self.high < 0)


class HeadFigures(msgspec.Struct, frozen=True):
    """A head that was fitted beside; `folder` is its bundle, seen from the report."""

    kind: str
    sha256: str
    folder: str
    n_answers: int
    fit_s: float


class LeakFigures(msgspec.Struct, frozen=True, omit_defaults=True):
    """Held-out examples that training has seen: the same, nearly the same, or of one group with one.

    Attributes:
        trained_on: Content of the dataset that the model's card names.
        ids: Of some of them.
    """

    trained_on: str
    n_same: int = 0
    n_near: int = 0
    n_group: int = 0
    ids: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        return self.n_same + self.n_near + self.n_group


class FinetuneReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `stepwell local eval` found; the hashes say of what.

    Attributes:
        bundle_sha256, base_sha256: Of the file that was measured and of the weights below it.
        scorer: How answers were judged.
        n_held_out, n_asked: Held-out examples, and how many of them were asked.
        n_clusters: Conversations, or other groups, that they come from; rows of one group tell less.
        pairs: Of the adapter, and of each head, with every other arm; each model's own corrected for their number.
        head_bound: Share of held-out answers that occur among the training answers: no head is right more often.
        margin: Differences within it do not matter.
        said_by: Who gave the answers that count as right: tier -> held-out examples; "" for a suite's own targets.
        judge_faults: Why the judge isn't believed.
    """

    dataset_sha256: str
    bundle_sha256: str
    base_sha256: str
    base: str
    name: str
    scorer: str
    n_train: int
    n_held_out: int
    n_asked: int
    n_clusters: int
    margin: float
    arms: tuple[ArmFigures, ...]
    pairs: tuple[PairFigures, ...]
    leaks: LeakFigures
    head_bound: float
    heads: tuple[HeadFigures, ...] = ()
    said_by: dict[str, int] = {}
    concurrency: int = 1
    n_threads: int = 1
    judge: str = ""
    judge_faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    made_on: str = ""

    def arm(self, name: str) -> ArmFigures | None:
        return next((a for a in self.arms if a.name == name), None)

    def pairs_of(self, name: str) -> Sequence[PairFigures]:
        """Of one model with every other arm."""
        return [p for p in self.pairs if p.a == name]

    def head(self, kind: str) -> HeadFigures | None:
        return next((h for h in self.heads if h.kind == kind), None)

    def save(self, folder: Path) -> None:
        """Raises:
        FinetuneError: It can't be written.
        """
        write_whole(folder / REPORT, msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")

    @classmethod
    def load(cls, folder: Path) -> FinetuneReport:
        """Raises:
        FinetuneError: There is none, or it is broken.
        """
        try:
            return msgspec.json.decode((folder / REPORT).read_bytes(), type=cls)
        except OSError as e:
            raise FinetuneError(
                f"{folder}: not measured yet ({REPORT}: {e.strerror}); run stepwell local eval first"
            ) from e
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise FinetuneError(
                f"{folder / REPORT}: not a report of stepwell local eval; run it again"
            ) from None


def head_arm(kind: str) -> str:
    """The name of a head's arm."""
    return f"head-{kind}"


def rivals(names: Sequence[str]) -> list[str]:
    """The arms that a promoted adapter has to be better than: the base, as it is and constrained, and every head."""
    return [n for n in names if n in (BASE, BASE_SCHEMA, *HEADS)]
