"""How long a request is, and what of it fits where it may go."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from stepwell.base import tokens
from stepwell.base.config import ContextConfig
from stepwell.base.decisions import FitDecision
from stepwell.memory.context.fit import fit
from stepwell.router.decide import Router
from stepwell.run import Run


@dataclass(frozen=True, slots=True)
class Fitting:
    """Counts a request's tokens, and fits its conversation into a window.

    Attributes:
        smallest_window, smallest_hosted_window: In tokens.
        counts_dollars: Some dollar promise needs an exact count.
    """

    config: ContextConfig
    router: Router
    smallest_window: int
    smallest_hosted_window: int
    counts_dollars: bool

    async def sized(self, run: Run) -> tuple[int, int]:
        """Fit the conversation into its window; tokens of the input, and how many it has at most in any vocabulary.

        The first is counted where dollars or a window depend on it, else estimated.
        """
        wire, config = run.request.wire, self.config
        tools = run.request.fields.get("tools")
        tools_json = bytes(tools) if tools is not None else None
        bound = tokens.upper_bound(wire.messages, tools_json)
        reserve = wire.max_output_tokens or config.reserve_tokens
        if config.fit and bound + reserve > self.smallest_window:
            bound = await self._fit(run, bound, reserve, tools_json)
        elif config.fit:  # fits wherever it goes
            run.trace.context = FitDecision(tuple(range(len(wire.messages))), bound, self.smallest_window)
        context = run.trace.context
        if context is not None and context.is_exact:
            return context.n_tokens, bound
        fits_anywhere = bound + reserve <= self.smallest_hosted_window
        if fits_anywhere and not self.counts_dollars and run.request.wishes.max_usd is None:
            # bytes, not characters: scripts beyond Latin take more tokens a character
            return bound // 4 + 1, bound
        n = await asyncio.to_thread(
            tokens.count_messages, run.request.messages, model="", tools_json=tools_json
        )
        return min(n, bound), bound

    async def _fit(self, run: Run, bound: int, reserve: int, tools_json: bytes | None) -> int:
        """Drop what the widest window that the request may use can't hold; gives the new bound."""
        messages = run.request.messages
        tier, room = max(self.router.rooms(run.request), key=lambda found: found[1])
        window, model = room + reserve, tier.models[0]
        if bound + reserve <= window:  # no vocabulary needed
            run.trace.context = FitDecision(tuple(range(len(messages))), bound, window)
            return bound
        # counting blocks: 2.5 ms per 100 KB
        run.trace.context = found = await asyncio.to_thread(
            fit, messages, window_tokens=window, reserve_tokens=reserve, model=model, tools_json=tools_json
        )
        run.request = run.request.with_kept(found.kept)
        if found.n_dropped or found.is_exact:
            return tokens.upper_bound(run.request.messages, tools_json)
        return found.n_tokens
