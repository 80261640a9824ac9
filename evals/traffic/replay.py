"""A log replayed under a new policy: what would change, what it would cost, and whether it would be as good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

import msgspec

from stepwell.evals.gate import EXIT_INCONCLUSIVE, EXIT_INFRASTRUCTURE, EXIT_PASS, EXIT_REGRESSION
from stepwell.evals.traffic.costs import CostChange, Costs, by_move
from stepwell.evals.traffic.features import Learnt
from stepwell.evals.traffic.known import Known, verdict_of
from stepwell.evals.traffic.redecide import Redecided
from stepwell.evals.traffic.settle import Settle, settle
from stepwell.evals.verdict.pair import Pair

MARGIN = 0.02
MAX_UNREAD_SHARE = 0.5


class Move(msgspec.Struct, frozen=True):
    """Requests that go from one tier to another, or stay."""

    old: str
    new: str
    n: int


class ReplayReport(msgspec.Struct, frozen=True):
    """What a replay says.

    Attributes:
        n_logged: Lines of the log; `n_bad` could not be read.
        left_out: Why others were not decided again, by how many: pins, cache hits, no features.
        n_decided: Decided again; `n_wordless` of them by traits and vector alone, so that a policy which reads words
            may decide them otherwise when it serves.
        moves: From which tier to which, most frequent first.
        share_changed: Of those decided again.
        n_in_sample: Requests that the policy learnt from: no part of verdict and settling.
        n_both, n_explored: Changed requests with both scores, and with one that exploring makes comparable.
        pair: The verdict, over all traffic; None where too little is known, or all is in-sample.
        settle: What would settle it, where it is open.
        is_in_sample: The policy learnt from (nearly) all of the log: it can't be judged on it.
    """

    policy: str
    n_logged: int
    n_bad: int
    left_out: dict[str, int]
    n_decided: int
    n_wordless: int
    moves: tuple[Move, ...]
    share_changed: float
    cost: CostChange
    n_in_sample: int
    n_both: int
    n_explored: int
    margin: float
    pair: Pair | None = None
    settle: Settle | None = None
    is_in_sample: bool = False

    @property
    def exit_code(self) -> int:
        """0 as good or better, 1 worse, 2 not known, 3 the log can't be read or decided again."""
        n = self.n_logged + self.n_bad
        if not self.n_decided or self.n_bad > MAX_UNREAD_SHARE * n:
            return EXIT_INFRASTRUCTURE
        if self.pair is None:
            return EXIT_INCONCLUSIVE
        if self.pair.word == "worse":
            return EXIT_REGRESSION
        return EXIT_PASS if self.pair.is_not_worse else EXIT_INCONCLUSIVE

    def as_dict(self) -> dict[str, object]:
        """Plain values for --json."""
        plain = {name: getattr(self, name) for name in self.__struct_fields__}
        pair = None if self.pair is None else asdict(self.pair)
        return plain | {"pair": pair, "exit_code": self.exit_code}


def replayed(
    found: Sequence[Redecided],
    *,
    policy: str,
    n_logged: int,
    n_bad: int = 0,
    learnt: Learnt | None = None,
    margin: float = MARGIN,
) -> ReplayReport:
    """Sum up a replay.

    Args:
        found: As `redecide` gives them.
        n_logged: Rows of the log, those that no policy decided included.
        learnt: What the policy learnt from; None: nothing of its own (the cold start).
        margin: Differences in quality within it, over all traffic, do not matter.
    """
    known = [f for f in found if f.new is not None]
    fresh = [f for f in known if learnt is None or not learnt.has(f.features, f.row.id)]
    costs = Costs(known)
    is_in_sample = bool(known) and not fresh
    verdict = None if is_in_sample or not known else verdict_of(fresh, margin=margin)
    missing = None
    if verdict is not None and (verdict.pair is None or not verdict.pair.is_decided):
        missing = _missing(verdict, fresh, costs, margin)
    return ReplayReport(
        policy=policy,
        n_logged=n_logged,
        n_bad=n_bad,
        left_out=_left_out(found, n_logged),
        n_decided=len(known),
        n_wordless=sum(f.features is not None and not f.features.has_words for f in known),
        moves=tuple(Move(old, new, n) for (old, new), n in by_move(known).items()),
        share_changed=sum(f.is_changed for f in known) / len(known) if known else 0.0,
        cost=costs.change(known),
        n_in_sample=len(known) - len(fresh),
        n_both=0 if verdict is None else verdict.n_both,
        n_explored=0 if verdict is None else verdict.n_explored,
        margin=margin,
        pair=None if verdict is None else verdict.pair,
        settle=missing,
        is_in_sample=is_in_sample,
    )


def _missing(verdict: Known, fresh: Sequence[Redecided], costs: Costs, margin: float) -> Settle | None:
    # of fewer scores than the spread needs the difference says nothing, either
    seen = 0.0 if verdict.square is None or verdict.pair is None else verdict.pair.difference
    n_known = verdict.n_both
    return settle(fresh, costs, margin=margin, square=verdict.square, n_known=n_known, difference=seen)


def _left_out(found: Sequence[Redecided], n_logged: int) -> dict[str, int]:
    why = Counter(f.why_not for f in found if f.new is None)
    if n_logged > len(found):
        why["pinned, from the cache, or failed before routing"] = n_logged - len(found)
    return dict(sorted(why.items()))
