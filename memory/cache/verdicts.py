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

    async def same(self, query: str, fresh: str, cached_body: bytes) -> bool | None:
        """Whether a cached answer would have done; None where nobody can tell.

        Args:
            query: What was asked.
            fresh: The answer just made for it.
            cached_body: The neighbour's `chat.completion` as JSON.
        """
        if self._judge is None:
            return None
        from stepwell.memory.cache.judge.judge import Case

        try:
            return await self._judge.same(Case(query, fresh, decode_answer(cached_body).text))
        except StepwellError:
            return None  # a tier that judges may be down, or its dollars spent
