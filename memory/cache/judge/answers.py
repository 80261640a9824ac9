"""The default judge: compares the two answers' texts, and asks nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from stepwell.memory.cache.judge.case import Case

if TYPE_CHECKING:
    from stepwell.base.embedding import Embedder


class AnswersJudge:
    """Compares answers of any kind, and prefers "can't tell" to a guess.

    Args:
        embedder: Gives the embedder, for long prose; None: by words alone.
    """

    def __init__(self, embedder: Callable[[], Embedder] | None = None) -> None:
        self._embedder = embedder

    async def same(self, case: Case) -> bool | None:
        return True if case.fresh.split() == case.cached.split() else None
