"""What it would take to settle a verdict: which calls, how many, and at what price."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import msgspec

from stepwell.evals.traffic.costs import Costs
from stepwell.evals.traffic.redecide import Redecided
from stepwell.evals.verdict.needed import rows_to_settle

# how often two tiers differ on a row where nothing at all is known of them
_DISCORDANT = 0.5


class Calls(msgspec.Struct, frozen=True):
    """Calls of one tier, and what they are expected to cost."""

    tier: str
    n: int
    usd: float


class Settle(msgspec.Struct, frozen=True):
    """What would settle a verdict with 90 % power: only rows whose decision changes need to be asked.

    Attributes:
        margin: Over all traffic; the difference that is shown or ruled out.
        n_rows: Changed rows to be scored under both tiers, those known already left out.
        n_here: How many of these the log has.
        n_requests: Requests that would have to be logged to have all of them; 0 where it has them.
        calls: Of which tier; the logged tier is asked only where no answer of it was kept.
        usd: Of all calls; judging comes on top.
    """

    margin: float
    n_rows: int
    n_here: int
    n_requests: int
    calls: tuple[Calls, ...]
    usd: float


def settle(
    found: Sequence[Redecided],
    costs: Costs,
    *,
    margin: float,
    square: float | None,
    n_known: int,
    difference: float = 0.0,
) -> Settle | None:
    """What an open verdict misses, one row at least; None where no decision changes.

    Args:
        found: Requests decided again, none of which the policy has learnt from.
        square: Mean square of score differences on changed rows, where it was seen; else p(ok) tells.
        n_known: Changed rows with both scores.
        difference: Over all traffic, as far as it was seen: nearer to the margin it takes more rows.
    """
    known = [f for f in found if f.new is not None]
    changed = [f for f in known if f.is_changed]
    if not changed:
        return None
    share = len(changed) / len(known)
    spread = square if square is not None else math.fsum(map(_discordance, changed)) / len(changed)
    # over all traffic, of which the rows that stay are ties for sure
    over_all = share * max(spread, 1 / len(changed))
    rows, _ = rows_to_settle(difference, over_all, round(n_known / share), margin=margin)
    n_rows = max(1, math.ceil(share * rows) - n_known)
    unknown = [f for f in changed if not {f.old, f.new} <= set(f.row.scores)]
    n_here = min(n_rows, len(unknown))
    calls = _calls(unknown, n_rows, costs)
    return Settle(
        margin=margin,
        n_rows=n_rows,
        n_here=n_here,
        n_requests=math.ceil((n_rows - n_here) / share),
        calls=calls,
        usd=math.fsum(c.usd for c in calls),
    )


def _calls(unknown: Sequence[Redecided], n_rows: int, costs: Costs) -> tuple[Calls, ...]:
    """Of the mix of tiers that the rows of unknown outcome have."""
    if not unknown:
        return ()
    counts: dict[str, int] = defaultdict(int)
    usd: dict[str, float] = defaultdict(float)
    for f in unknown:
        for tier in (f.new or "", f.old):
            is_there = tier in f.row.scores or (tier == f.row.served and f.row.answer is not None)
            if not is_there:
                counts[tier] += 1
                usd[tier] += costs.expected(f, tier)
    scale = n_rows / len(unknown)
    return tuple(Calls(t, math.ceil(n * scale), usd[t] * scale) for t, n in sorted(counts.items()))


def _discordance(f: Redecided) -> float:
    """Mean square of the difference that two tiers with such p(ok) have, were they independent."""
    old, new = f.p_ok.get(f.old), f.p_ok.get(f.new or "")
    if old is None or new is None:
        return _DISCORDANT
    return old * (1 - new) + new * (1 - old)
