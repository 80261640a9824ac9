"""How long a request is, where that is cheap to tell."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from stepwell.base import tokens
from stepwell.base.config import ContextConfig
from stepwell.base.decisions import FitDecision
from stepwell.base.messages import Message
from stepwell.base.request import ChatRequest
from stepwell.packing import Packing
from stepwell.router.sizes import Sizes
from stepwell.run import Run


@dataclass(frozen=True, slots=True)
class Fitting:
    """Counts a request's tokens, and has its conversation packed where some window does not hold all of it.

    Attributes:
        smallest_window, smallest_hosted_window: In tokens.
        counts_dollars: Some dollar promise needs an exact count.
    """

    config: ContextConfig
    packing: Packing
    smallest_window: int
    smallest_hosted_window: int
    counts_dollars: bool

    def may_pack(self, request: ChatRequest) -> bool:
        """Whether something may have to be left out, by a bound that costs microseconds."""
        if request.wishes.conversation is not None:
            return True
        fixed = tokens.fixed_json(request.fields)
        return self._exceeds(request.messages, fixed, request.wire.max_output_tokens)

    async def sized(self, run: Run) -> Sizes:
        """Tokens of the prompt on each tier; what a window can't hold is left out of what goes there.

        Raises:
            ContextTooLong: What must stay fits nowhere.
        """
        wire = run.request.wire
        fixed = tokens.fixed_json(run.request.fields)
        if run.has_history:
            return await self.packing.sized(run, fixed, self._counts(run))
        if self.config.fit and self._exceeds(wire.messages, fixed, wire.max_output_tokens):
            return await self.packing.sized(run, fixed, self._counts(run))
        bound = tokens.upper_bound(wire.messages, fixed)
        if self.config.fit:  # fits wherever it goes
            run.trace.context = FitDecision(tuple(range(len(wire.messages))), bound, self.smallest_window)
        reserve = wire.max_output_tokens or self.config.reserve_tokens
        is_small = bound + reserve <= self.smallest_hosted_window
        if is_small and not self._counts(run):
            # bytes, not characters: scripts beyond Latin take more tokens a character
            return Sizes(bound // 4 + 1, bound)
        n = await asyncio.to_thread(tokens.count_messages, wire.messages, model="", tools_json=fixed)
        return Sizes(min(n, bound), bound)

    def _counts(self, run: Run) -> bool:
        """Whether dollars hang on an exact count."""
        return self.counts_dollars or run.request.wishes.max_usd is not None

    def _exceeds(self, messages: Sequence[Message], fixed: bytes | None, n_reply: int | None) -> bool:
        bound = tokens.upper_bound(messages, fixed)
        most = self.config.max_prompt_tokens
        if most is not None and bound > most:
            return True
        return bound + (n_reply or self.config.reserve_tokens) > self.smallest_window
