"""The verdict on a new policy where outcomes are known: rows that stay where they were are ties by construction."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from stepwell.evals.traffic.redecide import Redecided
from stepwell.evals.verdict.fixed import LEVEL, SMALLEST_WORTH_SHOWING, compare
from stepwell.evals.verdict.needed import rows_to_tie
from stepwell.evals.verdict.pair import Pair, Word
from stepwell.evals.verdict.student import t_quantile, t_tail

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
    return Pair(
        a=NEW,
        b=LOGGED,
        n_rows=n,
        difference=0.0,
        low=0.0,
        high=0.0,
        n_only_a=0,
        n_only_b=0,
        p=1.0,
        word="tied",
        n_more=None,
        margin=margin,
        method="no decision changes",
    )


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
    p = t_tail(difference / error, df) if error > 0 else 1.0
    word = _word(low, high, margin)
    size = max(abs(difference), margin or SMALLEST_WORTH_SHOWING)
    needed = rows_to_tie(size, error * error * len(explored)) if word == "need more" else None
    return Pair(
        a=NEW,
        b=LOGGED,
        n_rows=len(explored),
        difference=difference,
        low=low,
        high=high,
        n_only_a=0,
        n_only_b=0,
        p=p,
        word=word,
        n_more=None if needed is None else max(1, needed - len(explored)),
        shows=None if needed is None else size,
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
    if all(y in (0.0, 1.0) for _, y in weighed):
        # Agresti & Coull 1998 (Am. Stat. 52:119): a few rights and no wrong do not make an error of 0
        n = total**2 / math.fsum(w * w for w, _ in weighed)
        shrunk = (n * mean + 2) / (n + 4)
        variance = max(variance, shrunk * (1 - shrunk) / (n + 4))
    return mean, math.sqrt(variance), n_rows


def _word(low: float, high: float, margin: float | None) -> Word:
    if margin is not None and -margin <= low and high <= margin:
        return "tied"
    return "better" if low > 0 else "worse" if high < 0 else "need more"
