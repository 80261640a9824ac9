"""The local tier: a GGUF served by llama.cpp in a process of its own, started at the first request."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from stepwell.base.errors import TierError, TierUnavailable
from stepwell.base.messages import Event
from stepwell.base.request import ChatRequest
from stepwell.router.tiers.base import Completed
from stepwell.router.tiers.http import HttpBackend
from stepwell.router.tiers.local_named import Named
from stepwell.router.tiers.local_process import Running
from stepwell.router.tiers.local_servers import LocalServer

MAX_ASKED_AGAIN = 2
WARM = ChatRequest.build({"messages": [{"role": "user", "content": "warm"}], "max_tokens": 1})
EXTRA = "the extra 'local' (pip install 'stepwell[local]')"


def missing(path: Path | None) -> str | None:
    """What a local tier lacks to run, in plain words; None where it can."""
    if importlib.util.find_spec("xllamacpp") is None:
        return EXTRA
    if path is None or not path.is_file():
        return "its weights (stepwell local fetch; stepwell local list shows what is here)"
    return None


class LocalBackend:
    """One deployment on a server that others may share.

    A request whose process dies is asked again, at most twice: a stream until its first event is out.

    Args:
        server: None where something is missing; `lacks` says what, and every request fails as unavailable.
        connect: Makes the backend that speaks to the server, from its base URL.
        named: Who answers; None: what the server says.
        adapter: Its place on the server; None: the base answers.
    """

    def __init__(
        self,
        *,
        tier: str,
        server: LocalServer | None,
        connect: Callable[[str], HttpBackend],
        lacks: str | None = None,
        named: Named | None = None,
        adapter: int | None = None,
    ) -> None:
        self._tier = tier
        self.server = server
        self._connect = connect
        self._lacks = lacks
        self._named = named
        self._adapter = adapter
        self._running: Running | None = None
        self._backend: HttpBackend | None = None

    async def complete(self, request: ChatRequest) -> Completed:
        n_left = MAX_ASKED_AGAIN
        while True:
            running = await self._ready()
            try:
                found = await self._backend_at(running).complete(request)
                return found if self._named is None else self._named.whole(found)
            except TierError as e:
                if not n_left or not await _is_crash(e, running):
                    raise
            n_left -= 1

    async def stream(self, request: ChatRequest) -> AsyncGenerator[list[Event], None]:
        n_left = MAX_ASKED_AGAIN
        while True:
            running = await self._ready()
            source, has_begun = self._backend_at(running).stream(request), False
            try:
                async for events in source:
                    has_begun = True
                    yield events if self._named is None else self._named.events(events)
                return
            except TierError as e:
                if has_begun or not n_left or not await _is_crash(e, running):
                    raise
            finally:
                await source.aclose()
            n_left -= 1

    async def warm(self) -> None:
        """Start the server and have it write one token.

        Raises:
            TierUnavailable: It does not start.
        """
        await self.complete(WARM)

    async def close(self) -> None:
        """Nothing of its own: the server is shared."""

    async def _ready(self) -> Running:
        if self.server is None:
            error = TierUnavailable(f"tier {self._tier} lacks {self._lacks}", tier=self._tier)
            error.is_retryable = False
            raise error
        return await self.server.ready(self._tier, self._adapter)

    def _backend_at(self, running: Running) -> HttpBackend:
        # not by its address: another process may get the same one, with other adapters
        if self._backend is None or self._running is not running:
            self._running, self._backend = running, self._connect(running.base_url)
        return self._backend


async def _is_crash(e: TierError, running: Running) -> bool:
    """Whether the server's end is why there is no answer."""
    return e.upstream_status is None and await running.has_died()
