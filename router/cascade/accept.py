"""How likely it is that a cheap answer is right, from what several cheap opinions say.

Without labels: who agrees with whom, then the length of the ask. Set on 240 random pools of 2 and 3 models (MMLU-Pro,
MATH level 5), not on one pair. With labels `evals.tune.cascade` fits weights (`learned.LearnedAccept`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from stepwell.router.cascade.compare import normalise
from stepwell.router.cascade.style import style_of
from stepwell.router.features import Ask

if TYPE_CHECKING:
    from stepwell.router.cascade.learned import LearnedAccept

# log-odds that an answer is right: who stands alone, is outvoted, can't be read, or has each share of support
_ALONE, _OUTVOTED, _UNREADABLE = -1.4, -2.4, -2.0
_HALF, _ALL_OF_TWO, _EACH_MORE = 0.5, 1.4, 0.7
# a longer ask, or one that the policy finds harder
_NEED_WEIGHT = 0.6
_LONG_CHARS = 5000


class Opinion(msgspec.Struct, frozen=True):
    """What one cheap call said.

    Attributes:
        answer: Normalised; None where it can't be read, the call failed or was cut off.
        n_chars: Length of the whole answer.
        style: How it is written (`style.style_of`); () where the text is not known.
    """

    tier: str
    answer: str | None
    n_chars: int
    style: tuple[float, ...] = ()


class Verdict(msgspec.Struct, frozen=True):
    """What the opinions come to.

    Attributes:
        served: Place of the opinion to serve, were one accepted; None where no two agree.
        p_accept: Probability that it is right, 0..1.
        is_accepted: p_accept reaches what the plan asks, and two agree.
        is_unanimous: All say the same.
        need: 0..1; higher means more need of the strong tier in place of the first. Ranks all rows, also where nobody
            agrees.
        why: "agree", "majority", "disagree", "unreadable" or "low_confidence".
    """

    served: int | None
    p_accept: float
    is_accepted: bool
    is_unanimous: bool
    need: float
    why: str


def read_opinion(tier: str, text: str, kind: str) -> Opinion:
    """An opinion from the text of an answer."""
    return Opinion(tier, normalise(text, kind), len(text), style_of(text))


def pick(opinions: Sequence[Opinion]) -> int | None:
    """Place of the opinion to serve: the first of those with the answer that most others share.

    None where no two agree. On a tie the earlier answer wins: opinions stand by price.
    """
    said = Counter(o.answer for o in opinions if o.answer is not None)
    if not said or max(said.values()) < 2:
        return None
    answer = max(said, key=lambda a: said[a])
    return next(i for i, o in enumerate(opinions) if o.answer == answer)


class AcceptScore(msgspec.Struct, frozen=True):
    """The score; as it stands, the rule that needs no labels.

    Attributes:
        learned: Weights from labels, for the opinions that they were learnt on.
    """

    learned: LearnedAccept | None = None

    def judge(
        self, opinions: Sequence[Opinion], ask: Ask, need: float | None = None, *, accept_above: float = 0.5
    ) -> Verdict:
        """Accept or not.

        Args:
            opinions: By price, the cheapest first; two or more.
            need: The policy's rank of the question, 0..1, where it has one (`Estimates.need`).
            accept_above: Least p_accept (`CascadePlan.accept_above`).
        """
        served = pick(opinions)
        p_accept, p_need = self._rate(opinions, ask, need, served)
        is_accepted = served is not None and p_accept >= accept_above
        is_unanimous = served is not None and all(o.answer == opinions[served].answer for o in opinions)
        why = _why(opinions, served, is_accepted=is_accepted, is_unanimous=is_unanimous)
        return Verdict(served, p_accept, is_accepted, is_unanimous, p_need, why)

    def score(self, opinions: Sequence[Opinion], ask: Ask, need: float | None = None) -> float:
        """Probability, 0..1, that the answer that would be served is right (the first, where no two agree)."""
        return self._rate(opinions, ask, need, pick(opinions))[0]

    def _rate(
        self, opinions: Sequence[Opinion], ask: Ask, need: float | None, served: int | None
    ) -> tuple[float, float]:
        p_rule, need_rule = _rule(opinions, ask, need, served)
        learned = self.learned
        if learned is None or learned.tiers != tuple(o.tier for o in opinions):
            return p_rule, need_rule
        p_accept, need_learned = learned.rate(opinions, ask, served)
        return p_accept, blended(need_learned, need_rule)


def blended(learned: float, rule: float) -> float:
    """Need by labels and by the rule, 0..1 each, as one, 0..1.

    On subjects that labels know the rule costs nothing (APGR .711, .732 with and without it: MMLU-Pro, 2 and 3
    opinions), on others it helps (.756 to .768).
    """
    return (2 * learned + rule) / 3


def _rule(
    opinions: Sequence[Opinion], ask: Ask, need: float | None, served: int | None
) -> tuple[float, float]:
    """p that the answer to serve is right, and need of the strong tier in place of the first."""
    # without a policy, length stands in: as good within a pool as the answer's, and better over pools
    rank = min(ask.n_chars, _LONG_CHARS) / _LONG_CHARS if need is None else need
    slope = _NEED_WEIGHT * (0.5 - rank)
    p_accept = 0.0 if opinions[served or 0].answer is None else _p(_support(opinions, served or 0) + slope)
    return p_accept, 1 - _p(_support(opinions, 0) + slope)


def _support(opinions: Sequence[Opinion], at: int) -> float:
    """Log-odds of one opinion, from who agrees with it."""
    answer = opinions[at].answer
    others = [o.answer for i, o in enumerate(opinions) if i != at]
    if answer is None:
        return _UNREADABLE
    n_same = others.count(answer)
    if n_same == len(others):
        return _ALL_OF_TWO + _EACH_MORE * (n_same - 1)
    if n_same:
        return _HALF + (_ALL_OF_TWO - _HALF) * (n_same / len(others) - 0.5)
    rivals = Counter(a for a in others if a is not None)
    return _OUTVOTED if max(rivals.values(), default=0) > 1 else _ALONE


def _p(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def _why(opinions: Sequence[Opinion], served: int | None, *, is_accepted: bool, is_unanimous: bool) -> str:
    if served is None:
        return "disagree" if any(o.answer is not None for o in opinions) else "unreadable"
    if not is_accepted:
        return "low_confidence"
    return "agree" if is_unanimous else "majority"
