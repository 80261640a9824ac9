"""Tune: learn a policy, test the promise on labels that training has not seen, and tell what came of it."""

from __future__ import annotations

import datetime
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.evals.tune.alike import merged
from stepwell.evals.tune.cascade.fit import save_accept
from stepwell.evals.tune.cascade.learn import LearntCascade, learn_cascade
from stepwell.evals.tune.closed import Closed
from stepwell.evals.tune.describe import describe
from stepwell.evals.tune.expected import expected_costs, prices_for
from stepwell.evals.tune.learn import learn
from stepwell.evals.tune.promise import Promise, keep_promise
from stepwell.evals.tune.report import Origin, TuneReport
from stepwell.evals.tune.rows import Outcomes, cost_matrix
from stepwell.evals.tune.wording import floor_of, verdict_of
from stepwell.router.cascade.stored import ACCEPT_FILE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.evals.tune.lesson import Lesson
    from stepwell.router.learned.bundle import Bundle

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]

_FLOORS = (0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 1.0)


@dataclass(frozen=True, slots=True)
class TuneOptions:
    """What is asked of a tuning.

    Attributes:
        min_quality: Share of the dearest tier's mean score, to be kept with `confidence`.
        max_usd: Most that a request may cost on average; the floor goes first.
        prices: By tier: USD per 1M tokens read and written.
        narrow: Tiers that were fine-tuned for one kind of ask: the router leaves them out where they have no outcomes.
        command, data: Name of the command and of the file, for the card and the report.
    """

    min_quality: float = 0.95
    confidence: float = 0.95
    max_usd: float | None = None
    prices: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    narrow: Collection[str] = ()
    embedder: str = ""
    seed: int = 0
    command: str = "stepwell tune"
    data: str = ""
    licence: str = ""
    n_resamples: int = 1000


@dataclass(frozen=True, slots=True)
class Tuned:
    """A policy ready to save, and everything that is known of it."""

    bundle: Bundle
    promise: Promise
    report: TuneReport
    lesson: Lesson
    cascade: LearntCascade | None = None

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the policy, what `refine` needs, and what was learnt of a cascade, into `folder`."""
        self.bundle.save(folder)
        self.lesson.save(folder)
        accept = Path(folder) / ACCEPT_FILE
        accept.unlink(missing_ok=True)
        if self.cascade is not None:
            save_accept(accept, self.cascade.accept)


def tune(
    outcomes: Outcomes,
    vectors: Matrix | None,
    options: TuneOptions,
    *,
    listed: Mapping[str, tuple[float, float]] | None = None,
) -> Tuned:
    """Learn from `outcomes` and keep the promise, or fall back to what keeps it.

    Args:
        vectors: Embeddings of the prompts by `options.embedder`, shape (n, dim); None: words and form alone.
        listed: Prices that are known anyway.

    Raises:
        BadRequest: Too few rows, a tier without a score or a price.
    """
    n_given = len(outcomes)
    outcomes, vectors = merged(outcomes, vectors)
    prices, assumed = prices_for(outcomes, options.prices, listed or {})
    learnt = learn(
        outcomes,
        vectors,
        embedder=options.embedder,
        seed=options.seed,
        licence=options.licence,
        command=options.command,
    )
    expected = expected_costs(learnt.bundle, outcomes, prices)
    is_measured = not (np.isnan(outcomes.cost_usd).all() and np.isnan(outcomes.out_tokens).all())
    costs = cost_matrix(outcomes, prices) if is_measured else expected
    cascade = learn_cascade(outcomes, costs, seed=options.seed)
    closed = Closed.of(outcomes, options.narrow)
    served, p_ok = closed.outcomes(outcomes), closed.p_ok(learnt.p_ok)
    expected, costs = closed.costs(expected), closed.costs(costs)
    promises = _promises(p_ok, expected, served, options, closed.mixable)
    promise = promises[options.min_quality]
    verdict = verdict_of(promise, outcomes.tiers)
    said = closed.said(outcomes)
    said += [*_budget(promise, options.max_usd), *_sentence(assumed), *_repeated(n_given - len(outcomes))]
    if cascade is not None:
        said.append(_cascade(cascade, promise))
    verdict = msgspec.structs.replace(verdict, said=(*verdict.said, *said))
    bundle = learnt.bundle.with_promise(
        cascade=None if cascade is None else cascade.prior,
        price=promise.price,
        mix=_mix(promise, outcomes.tiers),
        fallback={t: s for t, s in zip(outcomes.tiers, promise.mix, strict=True) if s > 0},
        min_quality=options.min_quality,
        verdict=verdict.headline,
        usd_per_1m=prices,
        narrow=[t for t in outcomes.tiers if t in options.narrow],
        notes=[assumed] if assumed else [],
    )
    report = describe(
        served,
        costs,
        p_ok,
        expected,
        verdict=verdict,
        floors=[floor_of(p) for p in promises.values()],
        origin=_origin(bundle, outcomes, prices, options),
        is_closed=closed.cells,
        n_resamples=options.n_resamples,
        seed=options.seed,
    )
    return Tuned(bundle, promise, report, learnt.lesson, cascade)


def _promises(
    p_ok: Floats, expected: Floats, outcomes: Outcomes, options: TuneOptions, mixable: Sequence[int]
) -> dict[float, Promise]:
    asked = sorted({*_FLOORS, options.min_quality})
    return {
        q: keep_promise(
            p_ok,
            expected,
            outcomes.scores,
            min_quality=q,
            confidence=options.confidence,
            mixable=mixable,
        )
        for q in asked
    }


def _mix(promise: Promise, tiers: Sequence[str]) -> dict[str, float] | None:
    """Where the router does not keep the promise: the mix that does, at the worst the dearest tier alone."""
    if promise.by == "router":
        return None
    return {t: s for t, s in zip(tiers, promise.shares, strict=True) if s > 0}


def _budget(p: Promise, max_usd: float | None) -> list[str]:
    if max_usd is None:
        return []
    cost = f"${p.cost_usd:.3g} a request"
    if p.cost_usd <= max_usd:
        return [f"It costs {cost} on average, within ${max_usd:.3g}."]
    return [
        f"It costs {cost} on average, over ${max_usd:.3g}: both can't be kept, and quality goes first. Lower "
        "--min-quality or raise --max-usd."
    ]


def _cascade(learnt: LearntCascade, promise: Promise) -> str:
    """A cascade weighs opinions by the tuned price: the router plans none where there is no price."""
    if promise.price is not None or not learnt.prior.pays:
        return learnt.said
    return f"{learnt.said.rstrip('.')}; not used, since no price was tuned."


def _repeated(n: int) -> list[str]:
    return [f"{n:,} rows that ask what another asks were merged with it: each ask counts once."] if n else []


def _sentence(said: str) -> list[str]:
    return [f"{said[:1].upper()}{said[1:]}."] if said else []


def _origin(
    bundle: Bundle, outcomes: Outcomes, prices: Mapping[str, tuple[float, float]], options: TuneOptions
) -> Origin:
    return Origin(
        data=options.data,
        data_sha256=bundle.card.data_sha256,
        n_rows=len(outcomes),
        command=options.command,
        seed=options.seed,
        version=version("stepwell"),
        made_on=datetime.datetime.now(datetime.UTC).date().isoformat(),
        embedder=bundle.card.embedder,
        trained_on="5-fold: every row judged by models that have not seen it",
        usd_per_1m=tuple(prices.get(t) for t in outcomes.tiers),
    )
