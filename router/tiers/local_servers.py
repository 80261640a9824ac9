"""The llama.cpp processes of one well: one for each base, with every adapter that stands on it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from pathlib import Path

from stepwell.base.errors import ConfigError, TierUnavailable
from stepwell.router.tiers.local_base import sha256_of
from stepwell.router.tiers.local_process import NotStarted, Running, start_process
from stepwell.router.tiers.local_server import Started

N_PARALLEL = 2
MAX_RESTARTS = 4
MAX_FAILED_LOADS = 2  # in a row under a memory limit
RESTARTS_WITHIN_S = 60.0


class _Refused(Exception):
    """Why no process can be started now; becomes the error of each request that waits."""

    def __init__(self, why: str, *, retry_after_s: float | None = None, is_retryable: bool = True) -> None:
        super().__init__(why)
        self._retry_after_s = retry_after_s
        self.is_retryable = is_retryable

    def for_tier(self, tier: str) -> TierUnavailable:
        error = TierUnavailable(f"tier {tier}: {self}", tier=tier, retry_after_s=self._retry_after_s)
        error.is_retryable = self.is_retryable
        return error


_CLOSED = "the well is closed"
_PUT_BACK = "start Stepwell again to serve what is there now, or put the old file back first"


class LocalServer:
    """One base and its adapters; the process starts when it is first asked, and again when it has died.

    It starts on the files that the well was built with and on no others: answers tell their version. An adapter whose
    file has changed is left out: the others serve.

    Args:
        n_parallel: Requests served at a time; those with the same adapter are computed together.
        max_restarts: So many in `within_s`, then it is unavailable for a while.
    """

    def __init__(
        self,
        path: Path,
        *,
        n_threads: int = 1,
        n_parallel: int = N_PARALLEL,
        max_memory_mb: int | None = None,
        max_restarts: int = MAX_RESTARTS,
        within_s: float = RESTARTS_WITHIN_S,
    ) -> None:
        self._path = path
        self._n_threads = n_threads
        self._n_parallel = n_parallel
        self._max_memory_mb = max_memory_mb
        self._max_restarts = max_restarts
        self._within_s = within_s
        self._window_tokens = 0
        self._adapters: list[Path] = []
        self._sha256: dict[Path, str] = {}
        self._left_out: dict[int, str] = {}
        self._running: Running | None = None
        self._starting: asyncio.Task[Running] | None = None
        self._started_s: deque[float] = deque()
        self._never = ""
        self._is_closed = False

    @property
    def pid(self) -> int | None:
        """Of the process that serves now."""
        running = self._running
        return running.process.pid if running is not None and running.is_alive else None

    def take(
        self, *, window_tokens: int, sha256: str = "", adapter: Path | None = None, adapter_sha256: str = ""
    ) -> int | None:
        """Add what one deployment needs, before the first request; gives the adapter's place.

        Args:
            sha256, adapter_sha256: Of the base and of the adapter; "": any will do.
        """
        self._window_tokens = max(self._window_tokens, window_tokens)
        self._pin(self._path, sha256)
        if adapter is None:
            return None
        self._pin(adapter, adapter_sha256)
        if adapter not in self._adapters:
            self._adapters.append(adapter)
        return self._adapters.index(adapter)

    def _pin(self, path: Path, sha256: str) -> None:
        if sha256:
            self._sha256[path] = sha256

    def lora(self, adapter: int | None) -> list[dict[str, int | float]]:
        """A request's `lora` to the process that serves: every adapter there with its scale; all at 0 for the base."""
        return [{"id": i, "scale": float(place == adapter)} for i, place in enumerate(self._places())]

    def _places(self) -> list[int]:
        return [place for place in range(len(self._adapters)) if place not in self._left_out]

    async def ready(self, tier: str, adapter: int | None = None) -> Running:
        """The process that serves; those who ask at once share one start.

        Args:
            adapter: The place of the one that is asked for.

        Raises:
            TierUnavailable: It does not start, died too often, or serves without that adapter.
        """
        running = self._running
        if running is None or not running.is_alive or running.is_stopped:
            running = await self._once_started(tier)
        if adapter in self._left_out:
            raise _Refused(self._left_out[adapter], is_retryable=False).for_tier(tier)
        return running

    async def _once_started(self, tier: str) -> Running:
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start())
        starting = self._starting
        try:
            # a caller who leaves must not stop the start that others wait for
            return await asyncio.shield(starting)
        except _Refused as e:
            raise e.for_tier(tier) from e.__cause__
        except asyncio.CancelledError:
            if not starting.cancelled() or _is_leaving():
                raise
            raise _Refused(_CLOSED, is_retryable=False).for_tier(tier) from None

    async def _start(self) -> Running:
        if self._is_closed:
            raise _Refused(_CLOSED, is_retryable=False)
        if self._never:
            raise _Refused(self._never, is_retryable=False)
        await self._end()
        self._left_out = await asyncio.to_thread(self._changed)
        running = await self._loaded()
        try:
            # one may have changed before it was read
            if await asyncio.to_thread(self._changed) != self._left_out:
                raise _Refused("a file changed while llama.cpp read it")
        except BaseException:
            await running.end()
            raise
        self._running = running
        return running

    async def _loaded(self) -> Running:
        n_failed = 0
        while True:
            self._count()
            try:
                return await start_process(self._what())
            except NotStarted as e:
                n_failed += e.has_failed
                if self._max_memory_mb is None or not e.has_failed:
                    raise _Refused(str(e)) from e
                if n_failed >= MAX_FAILED_LOADS:
                    raise self._does_not_fit() from e

    def _changed(self) -> dict[int, str]:
        """The adapters, by place, that are not what the well was built with, and why.

        Raises:
            _Refused: The base is not.
        """
        if why := self._why_not(self._path):
            raise _Refused(why, is_retryable=False)
        found = {place: self._why_not(path) for place, path in enumerate(self._adapters)}
        return {place: why for place, why in found.items() if why}

    def _why_not(self, path: Path) -> str:
        sha256 = self._sha256.get(path)
        if sha256 is None:
            return ""
        name = f"{path.parent.name}/{path.name}"
        try:
            found = sha256_of(path)
        except ConfigError:
            return f"{name} can't be read any more: {_PUT_BACK}"
        if found == sha256:
            return ""
        what = f"{name} has changed since the well was built (sha256 {found[:12]}, was {sha256[:12]})"
        return f"{what}: {_PUT_BACK}"

    def _what(self) -> Started:
        return Started(
            str(self._path),
            self._n_threads,
            self._n_parallel,
            self._window_tokens * self._n_parallel,
            tuple(str(self._adapters[place]) for place in self._places()),
            self._max_memory_mb,
        )

    def _count(self) -> None:
        """Raises:
        _Refused: It was started too often of late.
        """
        now_s, kept = time.monotonic(), self._started_s
        while kept and kept[0] <= now_s - self._within_s:
            kept.popleft()
        if len(kept) > self._max_restarts:
            raise _Refused(
                f"llama.cpp ended {len(kept)} times within {self._within_s:g} s",
                retry_after_s=kept[0] + self._within_s - now_s,
            )
        kept.append(now_s)

    def _does_not_fit(self) -> _Refused:
        # the same model under the same limit: another start would end the same way
        self._never = (
            f"llama.cpp ended while it loaded {self._path.name} under max_memory_mb = "
            f"{self._max_memory_mb}; raise it, or take a smaller model"
        )
        return _Refused(self._never, is_retryable=False)

    async def _end(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            await running.end()

    async def close(self) -> None:
        """End the process; whoever waits for an answer gets none."""
        self._is_closed = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(
                self._starting, return_exceptions=True
            )  # how it ended is its callers' affair
            self._starting = None
        await self._end()


def _is_leaving() -> bool:
    """Whether this very task is asked to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class LocalServers:
    """Every server of one well; whoever makes it closes it."""

    def __init__(self) -> None:
        self._servers: dict[tuple[Path, int, int | None], LocalServer] = {}

    def of(self, path: Path, *, n_threads: int = 1, max_memory_mb: int | None = None) -> LocalServer:
        """The server of some weights under these terms, made where there is none."""
        key = (path.resolve(), n_threads, max_memory_mb)
        if key not in self._servers:
            self._servers[key] = LocalServer(path, n_threads=n_threads, max_memory_mb=max_memory_mb)
        return self._servers[key]

    async def close(self) -> None:
        """End every process."""
        await asyncio.gather(*(server.close() for server in self._servers.values()))
