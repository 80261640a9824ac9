"""The verdict on a new policy where outcomes are known: rows that stay where they were are ties by construction."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from stepwell.evals.traffic.redecide import Redecided
from stepwell.evals.verdict.fixed import LEVEL, compare
from stepwell.evals.verdict.needed import rows_to_settle
from stepwell.evals.verdict.pair import Pair, Word
from stepwell.evals.verdict.student import t_quantile, t_tail, z_of

NEW, LOGGED = "new policy", "logged policy"
# with fewer, explored replies may say more
MIN_PAIRED = 30
MIN_EXPLORED = 20
MIN_SIDE = 5


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of requests that would go elsewhere.

    Attributes:
        pair: New policy against the logged one, over all traffic; None where nothing is known.
        n_changed: Requests that would go elsewhere, those that the policy learnt from left out.
        n_both: Of these the ones with a score for both tiers.
        n_explored: Those with a score that exploring makes comparable.
        square: Mean square of the score differences on changed requests; None where none is known.
    """

    pair: Pair | None
    n_changed: int
    n_both: int
    n_explored: int
    square: float | None


def verdict_of(found: Sequence[Redecided], *, margin: float | None) -> Known:
    """Judge the new policy over all traffic.

    Where both tiers' scores are known for enough of the changed rows these are compared, together with the same
    share of the rows that stay; else explored replies are weighed by their inverse propensity.

    Args:
        found: Requests decided again, none of which the policy has learnt from.
        margin: Differences within it, over all traffic, do not matter.
    """
    known = [f for f in found if f.new is not None]
    changed = [f for f in known if f.is_changed]
    both = [f for f in changed if {f.old, f.new} <= set(f.row.scores)]
    explored = [f for f in changed if _is_comparable(f)]
    pair: Pair | None = None
    if not changed:
        pair = _unchanged(len(known), margin)
    elif len(both) >= MIN_PAIRED or (both and len(explored) < MIN_EXPLORED):
        pair = _paired(known, changed, both, margin)
    elif len(explored) >= MIN_EXPLORED:
        pair = _weighed(explored, len(changed) / len(known), margin)
    gaps = [f.row.scores[f.new or ""] - f.row.scores[f.old] for f in both]
    square = math.fsum(g * g for g in gaps) / len(gaps) if len(gaps) >= MIN_PAIRED else None
    return Known(pair, len(changed), len(both), len(explored), square)


def _unchanged(n: int, margin: float | None) -> Pair:
    """No row changes, but others might: as many as Tango's interval allows for, each the worst or best it can be."""
    rows = dict.fromkeys(map(str, range(n)), 0.0)
    (pair,) = compare({NEW: rows, LOGGED: rows}, baseline=LOGGED, margin=margin)
    n_more = pair.n_more
    if margin and not pair.is_decided:
        n_more = max(1, math.ceil(z_of(LEVEL) ** 2 * (1 / margin - 1)) - n)
    return replace(pair, n_more=n_more, shows=margin or pair.shows, method="no decision changes")


def _paired(
    known: Sequence[Redecided], changed: Sequence[Redecided], both: Sequence[Redecided], margin: float | None
) -> Pair:
    """Of the rows that stay as large a share counts as of those that change: none is over-represented."""
    share = len(both) / len(changed)
    stay = [f for f in known if not f.is_changed]
    ties = _drawn((f.row.id for f in stay), round(share * len(stay)))
    new = {f.row.id: f.row.scores[f.new or ""] for f in both} | dict.fromkeys(ties, 0.0)
    old = {f.row.id: f.row.scores[f.old] for f in both} | dict.fromkeys(ties, 0.0)
    (pair,) = compare({NEW: new, LOGGED: old}, baseline=LOGGED, margin=margin)
    return pair


def _drawn(ids: Iterable[str], n: int) -> list[str]:
    """So many of them, by a hash: the same at every call."""
    return sorted(ids, key=lambda i: blake2b(i.encode("utf-8", "surrogatepass"), digest_size=8).digest())[:n]


def _is_comparable(f: Redecided) -> bool:
    """Answered by the tier that was drawn, scored, and either tier could have been drawn."""
    row, odds = f.row, f.row.propensity
    could = odds.get(f.old, 0) > 0 and odds.get(f.new or "", 0) > 0
    return could and row.served == row.tier and row.served in row.scores and row.tier in (f.old, f.new)


def _weighed(explored: Sequence[Redecided], share: float, margin: float | None) -> Pair | None:
    """Self-normalised inverse propensity weights (Swaminathan & Joachims, NIPS 2015).

    Args:
        share: Of requests that change: the difference on these counts for so much of all traffic.

    Returns:
        None where too few went either way.
    """
    sides = [
        _side([f for f in explored if f.row.tier == (f.new if is_new else f.old)]) for is_new in (True, False)
    ]
    if any(side is None for side in sides):
        return None
    (new, new_error, n_new), (old, old_error, n_old) = (side for side in sides if side is not None)
    difference, error = share * (new - old), share * math.hypot(new_error, old_error)
    df = min(n_new, n_old) - 1
    half = t_quantile(LEVEL, df) * error
    low, high = difference - half, difference + half
    p = t_tail(difference / error, df)
    word = _word(low, high, p, margin)
    n = len(explored)
    square = error * error * n + difference * difference
    needed, shows = (
        rows_to_settle(difference, square, n, margin=margin) if word == "need more" else (None, None)
    )
    return Pair(
        a=NEW,
        b=LOGGED,
        n_rows=n,
        difference=difference,
        low=low,
        high=high,
        n_only_a=0,
        n_only_b=0,
        p=p,
        word=word,
        n_more=None if needed is None else max(1, needed - n),
        shows=shows,
        margin=margin,
        method="inverse propensity of explored replies",
    )


def _side(rows: Sequence[Redecided]) -> tuple[float, float, int] | None:
    """Weighted mean score of the replies by one tier, its standard error, and their number; None for too few."""
    if len(rows) < MIN_SIDE:
        return None
    weighed = [(1 / f.row.propensity[f.row.tier], f.row.scores[f.row.tier]) for f in rows]
    total = math.fsum(w for w, _ in weighed)
    mean = math.fsum(w * y for w, y in weighed) / total
    n_rows = len(weighed)
    variance = math.fsum((w * (y - mean)) ** 2 for w, y in weighed) / total**2 * n_rows / (n_rows - 1)
    return mean, math.sqrt(max(variance, _least_variance(weighed, total))), n_rows


def _least_variance(weighed: Sequence[tuple[float, float]], total: float) -> float:
    """Of the mean, with two rights and two wrongs added (Agresti & Coull 1998, Am. Stat. 52:119).

    A few replies of one score do not make an error of 0, be the score 1 or any other.
    """
    n = total**2 / math.fsum(w * w for w, _ in weighed)
    mean = (n * math.fsum(w * y for w, y in weighed) / total + 2) / (n + 4)
    spread = n * math.fsum(w * (y - mean) ** 2 for w, y in weighed) / total
    return (spread + 2 * mean**2 + 2 * (1 - mean) ** 2) / (n + 4) ** 2


def _word(low: float, high: float, p: float, margin: float | None) -> Word:
    if margin is not None and -margin <= low and high <= margin:
        return "tied"
    if p > 1 - LEVEL or low <= 0 <= high:
        return "need more"
    return "better" if low > 0 else "worse"
