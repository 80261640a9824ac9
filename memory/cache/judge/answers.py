"""The default judge: compares the two answers' texts, and asks nobody."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from stepwell.memory.cache.invents import invents
from stepwell.memory.cache.judge.case import Case
from stepwell.memory.cache.judge.compare import Pair, decide, is_prose, n_declined
from stepwell.memory.cache.judge.prose import (
    EMBED_CHARS,
    MIN_LOG_ODDS,
    Cosines,
    by_cosines,
    by_words,
    log_odds,
)
from stepwell.memory.cache.judge.words import MAX_CHARS

if TYPE_CHECKING:
    from stepwell.base.embedding import Embedder

UNTOLD = 0.5  # of short answers and code that differ, and settle nothing


class AnswersJudge:
    """Compares answers of any kind, and prefers "can't tell" to a guess.

    Equal texts say the same. Options, numbers, dates, units, yes and no, JSON and code are compared as what they
    are, other text by a small model of words and cosines. An answer that declines to answer is never the same as
    another: two of them tell nothing. What is longer than MAX_CHARS is compared letter by letter alone.

    Args:
        embedder: Gives the embedder, for prose; None: by words alone, which decides less. It is asked in the thread
            that embeds requests, one text of at most EMBED_CHARS at a time.
        embed_timeout_s: A text whose vector takes longer is compared by words alone.
    """

    def __init__(
        self, embedder: Callable[[], Embedder] | None = None, *, embed_timeout_s: float = 5.0
    ) -> None:
        self._embedder = embedder
        self._embed_timeout_s = embed_timeout_s

    async def same(self, case: Case) -> bool | None:
        verdict = await self.weigh(case)
        return verdict if isinstance(verdict, bool) else None

    async def weigh(self, case: Case) -> bool | float | None:
        """As `same`; a probability where it can't tell, and None where two answers can't be compared at all."""
        if max(map(len, (case.query, case.fresh, case.cached))) > MAX_CHARS:
            return case.fresh == case.cached or UNTOLD
        pair, decided = await asyncio.to_thread(_by_form, case)
        if pair is None:
            return decided
        words = by_words(pair.query, pair.fresh, pair.cached)
        odds = log_odds(words, await self._cosines(case))
        if odds < MIN_LOG_ODDS and invents(case.query):
            return None
        return odds > 0 if abs(odds) >= MIN_LOG_ODDS else 1 / (1 + math.exp(-odds))

    async def _cosines(self, case: Case) -> Cosines | None:
        from stepwell.base.embedding import RequestVector

        vectors = []
        for text in (case.query, case.fresh, case.cached):
            # one after the other, so that requests get their turn between
            vector = await RequestVector(self._embedder, text[:EMBED_CHARS]).get(self._embed_timeout_s)
            if vector is None:
                return None
            vectors.append(vector)
        return by_cosines(*vectors)


def _by_form(case: Case) -> tuple[Pair | None, bool | float | None]:
    """The verdict, or the pair where it is prose that has to be compared further."""
    pair = Pair(case)
    declined = n_declined(pair)
    if declined:
        return None, None if declined == 2 else False
    decided = decide(pair)
    if decided is not None:
        return None, decided
    if is_prose(pair):
        return pair, None
    return None, None if invents(case.query) else UNTOLD
