"""How likely it is that a cheap answer is right, from what several cheap opinions say.

Without labels: agreement, then the answer's length, as measured (MMLU-Pro, Mixtral + Llama-3.1-8B -> gemini-1.5-pro:
APGR .68 against .59 by the answer's length alone). With labels `evals.tune.cascade` fits weights, and the
same code reads them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from stepwell.router.cascade.compare import normalise
from stepwell.router.features import Ask

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Opinion(msgspec.Struct, frozen=True):
    """What one cheap call said.

    Attributes:
        answer: Normalised; None where it can't be read, the call failed or was cut off.
        n_chars: Length of the whole answer.
    """

    tier: str
    answer: str | None
    n_chars: int


class Verdict(msgspec.Struct, frozen=True):
    """What the opinions come to.

    Attributes:
        served: Place of the opinion to serve, were one accepted; None where no two agree.
        p_accept: Probability that it is right, 0..1.
        is_accepted: p_accept reaches what the plan asks, and two agree.
        is_unanimous: All say the same.
        need: Higher means more need of the strong tier; ranks all rows, also where nobody agrees.
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
    return Opinion(tier, normalise(text, kind), len(text))


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
    """The score; as it stands, the rule that needs no labels."""

    def judge(
        self, opinions: Sequence[Opinion], ask: Ask, need: float | None = None, *, accept_above: float = 0.5
    ) -> Verdict:
        """Accept or not.

        Args:
            opinions: By price, the cheapest first.
            need: The policy's rank of the question, 0..1, where it has one (`Estimates.need`).
            accept_above: Least p_accept (`CascadePlan.accept_above`).
        """
        served = pick(opinions)
        p = self.score(opinions, ask, need)
        n_same = sum(o.answer == opinions[served].answer for o in opinions) if served is not None else 0
        is_accepted = served is not None and p >= accept_above
        if served is None:
            why = "disagree" if any(o.answer is not None for o in opinions) else "unreadable"
        elif not is_accepted:
            why = "low_confidence"
        else:
            why = "agree" if n_same == len(opinions) else "majority"
        return Verdict(served, p, is_accepted, n_same == len(opinions), 1 - p, why)

    def score(self, opinions: Sequence[Opinion], ask: Ask, need: float | None = None) -> float:
        """Probability that the answer to serve is right, 0..1; without labels a rank that orders as one."""
        others = opinions[1:]
        if not others or opinions[0].answer is None:
            return 0.0
        n_same = sum(o.answer == opinions[0].answer for o in others)
        return n_same / len(others) - 1e-5 * min(opinions[0].n_chars, 5000) * (1 if n_same else 0)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What a policy bundle keeps of it."""
        return {}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> AcceptScore:
        return cls()
