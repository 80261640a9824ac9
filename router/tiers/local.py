"""The local tier: a GGUF served by llama.cpp in a process of its own, started at the first request."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from stepwell.base.errors import TierUnavailable
from stepwell.base.messages import Event
from stepwell.base.request import ChatRequest
from stepwell.router.tiers.base import Completed
from stepwell.router.tiers.http import HttpBackend

START_TIMEOUT_S = 60.0


def missing(path: Path | None) -> str | None:
    """What a local tier lacks to run, in plain words; None where it can."""
    if importlib.util.find_spec("xllamacpp") is None:
        return "the extra 'local' (pip install 'stepwell[local]')"
    if path is None or not path.is_file():
        return "its weights (stepwell local fetch)"
    return None


class LocalBackend:
    """Starts the server when it is first asked, and again when it has died.

    Args:
        path: A GGUF file, or None where there is none (every request then fails as unavailable).
        connect: Makes the backend that speaks to the server, from its base URL.
    """

    def __init__(
        self,
        *,
        tier: str,
        path: Path | None,
        connect: Callable[[str], HttpBackend],
        n_threads: int,
        n_parallel: int,
        window_tokens: int,
    ) -> None:
        self._tier = tier
        self._path = path
        self._connect = connect
        self._args = (str(n_threads), str(n_parallel), str(window_tokens * n_parallel))
        self._process: asyncio.subprocess.Process | None = None
        self._backend: HttpBackend | None = None
        self._starting: asyncio.Task[HttpBackend] | None = None

    async def complete(self, request: ChatRequest) -> Completed:
        return await (await self._ready()).complete(request)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[list[Event], None]:
        source = (await self._ready()).stream(request)
        try:
            async for events in source:
                yield events
        finally:
            await source.aclose()

    async def _ready(self) -> HttpBackend:
        if self._backend is not None and self._process is not None and self._process.returncode is None:
            return self._backend
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start())
        # a caller who leaves must not stop the start that others wait for
        return await asyncio.shield(self._starting)

    async def _start(self) -> HttpBackend:
        lacks = missing(self._path)
        if lacks is not None:
            error = TierUnavailable(f"tier {self._tier} lacks {lacks}", tier=self._tier)
            error.is_retryable = False
            raise error
        await self._stop()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "stepwell.router.tiers.local_server", str(self._path), *self._args),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                line = await self._process.stdout.readline()
        except TimeoutError:
            line = b""
        if not line.startswith(b"http"):
            await self._stop()
            raise TierUnavailable(f"tier {self._tier}: llama.cpp did not start", tier=self._tier)
        self._backend = self._connect(line.decode().strip() + "/v1")
        return self._backend

    async def _stop(self) -> None:
        process, self._process, self._backend = self._process, None, None
        if process is not None:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await process.wait()
            if process.stdin is not None:
                process.stdin.close()

    async def close(self) -> None:
        """End the server's process."""
        if self._starting is not None:
            self._starting.cancel()
            with contextlib.suppress(asyncio.CancelledError, TierUnavailable):
                await self._starting
            self._starting = None
        await self._stop()
