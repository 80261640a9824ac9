"""What scoring one sample gives, and what a scorer is that has to wait for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from stepwell.evals.suite import Row


class Scored(msgspec.Struct, frozen=True):
    """How good one answer is.

    Attributes:
        score: 0..1; None where it could not be judged, and `error` says why.
        parts: Further figures by name, 0..1 each: {"loose": 1.0}.
        why: A reason in a word or two ("timeout"); never text of the answer.
        judge_usd: What asking a judge cost.
        error: Code of what failed (base.errors): no part of any quality.
    """

    score: float | None
    parts: Mapping[str, float] = {}
    why: str = ""
    judge_usd: float = 0.0
    error: str | None = None


class AsyncScorer(Protocol):
    """A scorer that runs a program, embeds texts or asks a judge."""

    async def score(self, row: Row, answers: Sequence[str]) -> Scored:
        """Judge the answers to a row's turns, the last one is the answer.

        Raises:
            StepwellError: A judge could not be asked; the run asks it again, not the tier.
        """
        ...

    def key(self, row: Row) -> str:
        """Names all that decides the score of such a row beside row, answers and the scorer's version.

        A judge or an embedder that is another one scores the same answers anew; "" where there is nothing to name.
        """
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...
