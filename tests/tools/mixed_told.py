"""What a tuned policy made of the rows that were kept from it: by kind, with what it saved and what it kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stepwell.base.config import Config
from stepwell.base.embedding import embedder_name, load_embedder
from stepwell.evals.folder import RunFolder
from stepwell.evals.traffic.features import Learnt
from stepwell.evals.traffic.redecide import learned_policy, redecide
from stepwell.evals.tune.from_journal import outcomes_of
from stepwell.evals.tune.held_out import is_held_out
from stepwell.evals.verdict.fixed import compare
from stepwell.evals.verdict.pair import Pair
from stepwell.traffic_line import Logged

PREMIUM, NARROW = "premium", "refunds"
EXTRACTION = "refund"
N_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Routed:
    """One held-out row: its kind, where it went, and by tier what it scored and cost."""

    id: str
    kind: str
    tier: str
    scores: Mapping[str, float]
    costs_usd: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Told:
    """All of them; `quality` is the router against the dearest tier, `saved` a share of its cost with an interval."""

    rows: Sequence[Routed]
    quality: Pair
    saved: tuple[float, float, float]


def told_of(run: Path, policy: Path, config: Config, kinds: Mapping[str, str], *, share: float) -> Told:
    """Decide the held-out rows of a run anew, by a policy tuned on its other rows.

    The rows are those that `stepwell eval compare` judges by: what was learnt in other words is left out.
    """
    held = [line for line in outcomes_of(RunFolder.of(run)) if is_held_out(line, share)]
    lines = [json.loads(line) for line in held]
    logged = [Logged(line["id"], tier="-", messages=_messages(line)) for line in lines]
    router = learned_policy(str(policy), config, embedder=embedder_name(config.embedding))
    decided = list(redecide(logged, router, lambda: load_embedder(config.embedding)))
    learnt = Learnt.of(policy)
    chosen = {r.row.id: r.new for r in decided if not learnt.has(r.features)}
    rows = [
        Routed(line["id"], kinds[line["id"]], tier, line["scores"], line["cost_usd"])
        for line in lines
        if (tier := chosen.get(line["id"])) is not None and len(line["scores"]) == len(config.tiers)
    ]
    return Told(rows, _quality(rows), _saved(rows))


def _messages(line: Mapping[str, object]) -> tuple[dict[str, object], ...]:
    given = line.get("messages")
    return tuple(given) if isinstance(given, list) else ({"role": "user", "content": line["prompt"]},)


def _quality(rows: Sequence[Routed]) -> Pair:
    by_arm = {
        "router": {r.id: r.scores[r.tier] for r in rows},
        PREMIUM: {r.id: r.scores[PREMIUM] for r in rows},
    }
    (pair,) = compare(by_arm, baseline=PREMIUM, margin=0.1)
    return pair.seen_from("router")


def _saved(rows: Sequence[Routed]) -> tuple[float, float, float]:
    """Share of the dearest tier's cost, with a 95 % interval by resampling rows (Efron & Tibshirani 1993)."""
    usd = np.array([[r.costs_usd.get(r.tier, 0.0), r.costs_usd[PREMIUM]] for r in rows])
    rng = np.random.default_rng(0)
    drawn = usd[rng.integers(len(usd), size=(N_RESAMPLES, len(usd)))].sum(axis=1)
    low, high = np.percentile(1 - drawn[:, 0] / drawn[:, 1], (2.5, 97.5))
    routed, premium = usd.sum(axis=0)
    return float(1 - routed / premium), float(low), float(high)


def tell(told: Told, unseen: Mapping[str, Counter[str]]) -> None:
    """Print it."""
    tiers = list(told.rows[0].scores)
    print(f"Where {len(told.rows)} held-out rows go, by kind")
    print(f"{'kind':14}{'rows':>5}" + "".join(f"{t:>10}" for t in tiers) + f"{'router':>9}{PREMIUM:>9}")
    for kind, n in Counter(r.kind for r in told.rows).most_common():
        of = [r for r in told.rows if r.kind == kind]
        shares = "".join(f"{sum(r.tier == t for r in of) / n:>10.0%}" for t in tiers)
        print(
            f"{kind:14}{n:>5}{shares}{_mean(r.scores[r.tier] for r in of):>9.2f}"
            f"{_mean(r.scores[PREMIUM] for r in of):>9.2f}"
        )
    _tell_whole(told)
    _tell_leaks(told, unseen)


def _tell_whole(told: Told) -> None:
    pair, (saved, low, high) = told.quality, told.saved
    routed = _mean(r.scores[r.tier] for r in told.rows)
    premium = _mean(r.scores[PREMIUM] for r in told.rows)
    print(f"\nquality {routed:.3f} of the router, {premium:.3f} of {PREMIUM}:", end=" ")
    print(f"{pair.difference:+.3f} ({pair.low:+.3f} to {pair.high:+.3f})")
    print(f"cost saved: {saved:.0%} ({low:.0%} to {high:.0%})")


def _tell_leaks(told: Told, unseen: Mapping[str, Counter[str]]) -> None:
    others = [r for r in told.rows if r.kind != EXTRACTION]
    n_narrow = sum(r.tier == NARROW for r in others)
    print(f"\nleakage: {n_narrow} of {len(others)} held-out asks of other kinds go to {NARROW}")
    for name, tiers in unseen.items():
        print(f"  {name}, not tuned on: {tiers[NARROW]} of {tiers.total()}; {dict(tiers.most_common())}")


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)
