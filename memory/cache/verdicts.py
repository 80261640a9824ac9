"""The judge's verdicts on cached answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepwell.base.errors import StepwellError
from stepwell.base.messages import decode_answer

if TYPE_CHECKING:
    from stepwell.memory.cache.judge.judge import Judge


class Verdicts:
    """Asks the judge, where there is one."""

    def __init__(self, judge: Judge | None) -> None:
        self._judge = judge

    async def same(self, query: str, fresh: str, cached_body: bytes) -> bool | float | None:
        """Whether a cached answer would have done; its probability where that is not sure; None where nobody can tell.

        Args:
            query: What was asked.
            fresh: The answer just made for it.
            cached_body: The neighbour's `chat.completion` as JSON.
        """
        if self._judge is None:
            return None
        from stepwell.memory.cache.judge.case import Case, WeighingJudge

        case = Case(query, fresh, decode_answer(cached_body).text)
        try:
            if isinstance(self._judge, WeighingJudge):
                return await self._judge.weigh(case)
            return await self._judge.same(case)
        except StepwellError:
            return None  # a tier that judges may be down, or its dollars spent
