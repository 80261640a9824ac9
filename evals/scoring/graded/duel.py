"""Two answers before one judge, in both orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stepwell.base.errors import StepwellError
from stepwell.evals.pacing import Pacing
from stepwell.evals.scoring.graded.judge import Judge, Vote
from stepwell.evals.scoring.graded.options import GradedOptions
from stepwell.evals.scoring.graded.patience import patiently
from stepwell.evals.scoring.graded.preferences import FIRST, SECOND
from stepwell.evals.scoring.graded.prompts import Prompt, compare_prompt
from stepwell.evals.suite import Row


@dataclass(frozen=True, slots=True)
class Duel:
    """What a judge says about answers a and b.

    Attributes:
        score: Of a, mean over both orders: 1 won, .5 tied, 0 lost; a verdict that turns with the order makes .5.
            None where there is none, and `error` says why.
        favours: The place that won in both orders, so that the verdict was about the order; else None.
    """

    score: float | None
    is_consistent: bool = True
    favours: str | None = None
    nano_usd: int = 0
    error: str | None = None


async def duel(
    judge: Judge,
    row: Row,
    a: Sequence[str],
    b: Sequence[str],
    options: GradedOptions,
    *,
    pacing: Pacing,
) -> Duel:
    """Ask twice, a first and then b first; answers that are alike are a tie and are not asked about.

    Raises:
        StepwellError: The judge did not answer; `spent_usd` counts both orders.
    """
    if tuple(a) == tuple(b):
        return Duel(0.5)
    ahead = await _vote(judge, compare_prompt(row, a, b, options), pacing)
    if ahead.verdict is None:
        return Duel(None, nano_usd=ahead.nano_usd, error=ahead.error)
    try:
        behind = await _vote(judge, compare_prompt(row, b, a, options), pacing)
    except StepwellError as e:
        e.spent_usd += ahead.nano_usd / 1e9
        raise
    return _settled(ahead, behind)


async def _vote(judge: Judge, prompt: Prompt, pacing: Pacing) -> Vote:
    got = await patiently(lambda: judge.vote(prompt), pacing)
    return Vote(got.value.verdict, got.value.nano_usd + got.lost_nano_usd, got.value.error)


def _settled(ahead: Vote, behind: Vote) -> Duel:
    nano_usd = ahead.nano_usd + behind.nano_usd
    if ahead.verdict is None or behind.verdict is None:
        return Duel(None, nano_usd=nano_usd, error=ahead.error or behind.error)
    of_a, of_a_again = ahead.verdict, 1 - behind.verdict
    favours = {(1.0, 0.0): FIRST, (0.0, 1.0): SECOND}.get((of_a, of_a_again))
    return Duel((of_a + of_a_again) / 2, of_a == of_a_again, favours, nano_usd)
