"""The report of one tuning: the frontier, the measures and who answers what, drawn from its arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.evals.tune import sweep, tally
from stepwell.evals.tune.frontier import Floor, frontier
from stepwell.evals.tune.report import Figure, Origin, TuneReport, Verdict
from stepwell.evals.tune.rows import Outcomes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def describe(
    outcomes: Outcomes,
    costs: Floats,
    p_ok: Floats,
    expected: Floats,
    *,
    verdict: Verdict,
    floors: Sequence[Floor],
    origin: Origin,
    title: str = "Stepwell tuning",
    more_figures: Sequence[Figure] = (),
    is_closed: NDArray[np.bool_] | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
) -> TuneReport:
    """Everything that the page shows. Rows without a score for every tier are left out.

    Args:
        costs: What each call cost, shape (n, k), tiers cheapest first.
        p_ok, expected: What the router believed of rows that it had not learned from, shape (n, k).
        floors: By the promise; the one of `verdict.q` is the policy's. What each costs is counted again by `costs`,
            as everything else on the page is.
        is_closed: Where another tier stands in, shape (n, k): no word on the tier's own reliability.
        more_figures: Of other routers, for the table of measures.
    """
    whole = np.flatnonzero(outcomes.is_complete & ~np.isnan(costs).any(axis=1))
    rows, costs, p_ok, expected = outcomes.take(whole), costs[whole], p_ok[whole], expected[whole]
    # without its text, as many as its tokens tell
    n_chars = np.array(
        [len(p) or 4 * n for p, n in zip(rows.prompts, rows.n_input_tokens, strict=True)], float
    )
    own = rows.scores if is_closed is None else np.where(is_closed[whole], np.nan, rows.scores)
    drawn = frontier(
        rows.tiers,
        rows.scores,
        costs,
        p_ok,
        expected,
        n_chars=n_chars,
        floors=[_at_true_cost(f, rows.scores, costs, p_ok, expected) for f in floors],
        n_resamples=n_resamples,
        seed=seed,
    )
    policy = drawn.at(verdict.q)
    answers = answers_at(policy, p_ok, expected)
    return TuneReport(
        title=title,
        verdict=verdict,
        policy=policy,
        frontier=drawn,
        figures=(
            *tally.figures(rows.scores, costs, p_ok, expected, n_chars, n_resamples=n_resamples, seed=seed),
            *more_figures,
        ),
        reliability=tally.reliability(rows.tiers, p_ok, own),
        domains=tally.by_domain(rows.domains, rows.scores, answers) if any(rows.domains) else (),
        origin=origin,
    )


def _at_true_cost(floor: Floor, scores: Floats, costs: Floats, p_ok: Floats, expected: Floats) -> Floor:
    answers = answers_at(floor, p_ok, expected)
    cost, dear = float((costs * answers).sum(axis=1).mean()), float(costs[:, -1].mean())
    return msgspec.structs.replace(
        floor,
        quality=float((scores * answers).sum(axis=1).mean()),
        cost_usd=cost,
        shares=tuple(answers.mean(axis=0).tolist()),
        saved=1 - cost / dear if dear > 0 else 0.0,
    )


def answers_at(floor: Floor, p_ok: Floats, expected: Floats) -> Floats:
    """Each row's shares by tier where `floor` is in force, shape (n, k): one tier's, or those of a mix."""
    n, k = p_ok.shape
    if floor.by != "router" or floor.price is None:
        return np.tile(np.asarray(floor.shares), (n, 1))
    counted = sweep.shares_of_dearest(expected)
    return np.eye(k)[sweep.chosen(p_ok, counted, floor.price)]
