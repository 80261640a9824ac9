"""Arms against each other while a run is on its way, at planned looks, so that it may stop early."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stepwell.evals.verdict.boundary import Boundary
from stepwell.evals.verdict.evidence import Evidence
from stepwell.evals.verdict.fixed import Matched, Scores, asked_pairs, describe, match
from stepwell.evals.verdict.looks import Looks
from stepwell.evals.verdict.pair import Pair, Word

Ended = Mapping[str, Collection[str]]


def look(
    by_arm: Mapping[str, Scores],
    order: Sequence[str],
    looks: Looks,
    *,
    ended: Ended | None = None,
    clusters: Mapping[str, str] | None = None,
    baseline: str | None = None,
    margin: float | None = None,
) -> tuple[Pair, ...]:
    """Every pair as it stands, decided at the first look that its boundary was crossed at.

    A pure function of the scores: all looks are taken again each time, so a run taken up again decides the same.
    A pair that is shown to differ hands its chance of error on to the others (Maurer & Bretz 2013, Stat.
    Biopharm. Res. 5:311), so the chance that any pair is falsely called better or worse stays 1 - level.

    Args:
        order: The ids of all planned rows, shuffled once; row k is asked before row k + 1.
        ended: Arm -> rows that ended, with a score or as an error; default: those with a score. A pair is
            looked at once both arms have ended all rows up to the look.
        clusters: Row -> the source it comes from.
        baseline: Compare with this arm alone.
        margin: A pair whose interval lies within it, at all looks at once, is "tied" and needs no more rows.

    Returns:
        Pairs with `look` set to the look that decided them, or to the last one that was reached; their p is in
        stagewise order and their interval holds for a run that stops early. Undecided ones are "need more".
    """
    states = [_State(a, b) for a, b in asked_pairs(by_arm, baseline)]
    reach = _reach(by_arm, order, looks, ended or by_arm)
    for k, n_rows in enumerate(looks.at, start=1):
        rows = order[:n_rows]
        live = [s for s in states if s.word == "need more" and k <= min(reach[s.a], reach[s.b])]
        for state in live:
            state.matched = _matched(by_arm, state, rows, clusters)
            state.seen.append(state.matched.evidence)
        _decide(live, states, looks, margin)
    return tuple(_told(s, by_arm, order, looks, clusters, margin) for s in states)


def may_stop(pairs: Iterable[Pair]) -> frozenset[str]:
    """The arms that no open pair asks about any more."""
    pairs = tuple(pairs)
    is_open = {arm for p in pairs if not p.is_decided for arm in (p.a, p.b)}
    return frozenset(arm for p in pairs for arm in (p.a, p.b)) - is_open


@dataclass(slots=True)
class _State:
    a: str
    b: str
    word: Word = "need more"
    alpha: float | None = None
    matched: Matched | None = None
    seen: list[Evidence] = field(default_factory=list)


def _reach(by_arm: Mapping[str, Scores], order: Sequence[str], looks: Looks, ended: Ended) -> dict[str, int]:
    """Looks that each arm has ended all rows for."""
    return {
        arm: looks.n_reached(next((n for n, row in enumerate(order) if row not in ended[arm]), len(order)))
        for arm in by_arm
    }


def _matched(
    by_arm: Mapping[str, Scores], state: _State, rows: Sequence[str], clusters: Mapping[str, str] | None
) -> Matched:
    of_a = by_arm[state.a]
    seen = {state.a: {row: of_a[row] for row in rows if row in of_a}, state.b: by_arm[state.b]}
    return match(seen, state.a, state.b, clusters=clusters)


def _decide(live: Sequence[_State], states: Sequence[_State], looks: Looks, margin: float | None) -> None:
    """Cross what can be crossed; each crossing leaves the others more to cross with, so go round again."""
    found = True
    while found:
        found = False
        n_open = len(states) - sum(s.word in ("better", "worse") for s in states)
        for state in live:
            if state.word == "need more":
                state.alpha = (1 - looks.level) / n_open
                state.word = _word(Boundary(state.seen, looks, state.alpha), margin)
                found = found or state.word in ("better", "worse")


def _word(boundary: Boundary, margin: float | None) -> Word:
    if margin is not None:
        low, high = boundary.repeated()
        if -margin <= low and high <= margin:
            return "tied"
    if not boundary.is_crossed:
        return "need more"
    return "better" if boundary.seen[-1].difference > 0 else "worse"


def _told(
    s: _State,
    by_arm: Mapping[str, Scores],
    order: Sequence[str],
    looks: Looks,
    clusters: Mapping[str, str] | None,
    margin: float | None,
) -> Pair:
    if s.matched is None or s.alpha is None:  # no look yet
        bare = _matched(by_arm, s, order, clusters)
        pair = describe(
            bare,
            "need more",
            bare.evidence.interval(1.0),
            p=1.0,
            inner=looks.level,
            margin=margin,
            level=looks.level,
        )
        return replace(pair, look=0, n_looks=len(looks.at), is_early=True)
    boundary = Boundary(s.seen, looks, s.alpha)
    # what was stopped as tied was not stopped by crossing; and rows of a cluster bring less news the later
    # they come, which stagewise order does not know: there only the repeated interval holds (measured)
    is_plain = s.word != "tied" and s.matched.evidence.n_clusters is None
    interval = boundary.stagewise() if is_plain else boundary.repeated()
    p = min(1.0, boundary.p * (1 - looks.level) / s.alpha)
    pair = describe(s.matched, s.word, interval, p=p, inner=1 - s.alpha, margin=margin, level=1 - s.alpha)
    return replace(pair, look=len(s.seen), n_looks=len(looks.at), is_early=len(s.seen) < len(looks.at))
