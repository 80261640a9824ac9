"""One upstream stream, read by all who ask the same at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Protocol

from stepwell.base.assemble import Assembler
from stepwell.base.errors import StreamBroken
from stepwell.base.messages import Event
from stepwell.reader import Reader

# who comes once more than this was streamed calls for themselves: every stream keeps it in case somebody comes
MAX_REPLAY_BYTES = 256 * 1024

Close = Callable[[Assembler], Awaitable[None]]


class Upstream(Protocol):
    """An open stream (router.opened.OpenStream)."""

    @property
    def head(self) -> list[Event]: ...
    @property
    def rest(self) -> AsyncGenerator[list[Event], None]: ...
    async def aclose(self) -> None: ...


class SharedStream:
    """Hands what one upstream streams to each of its readers, from the start.

    One reader alone takes it straight from the upstream, at its own pace; once there are more, a task reads ahead of
    all. Who leaves does not stop the others; the upstream is let go of once nobody reads.

    Args:
        upstream: Its first token is there.
        pay: Takes the whole answer at the upstream's end, where whoever has to pay left before it, or never came.
        on_full: Called once, when nobody can join any more; None: nobody ever can.

    Attributes:
        is_over: The upstream has ended, well or badly.
    """

    def __init__(
        self, upstream: Upstream, *, pay: Close, on_full: Callable[[SharedStream], None] | None = None
    ) -> None:
        self.is_over = False
        self._upstream = upstream
        self._rest = upstream.rest
        self._pay = pay
        self._on_full = on_full
        self._seen = [upstream.head]
        self._n_seen_bytes = 0
        self._readers: list[Reader] = []
        self._leader: Reader | None = None
        self._was_led = False
        self._orphan: Assembler | None = None
        self._pump: asyncio.Task[None] | None = None
        self._is_pulling = False
        self._handover: asyncio.Future[bool] | None = None
        self._is_closed = False

    @property
    def is_orphan(self) -> bool:
        """True where whoever pays left before the end, or never came."""
        return self._orphan is not None

    @property
    def is_read(self) -> bool:
        """True while anybody reads."""
        return bool(self._readers)

    def lead(self, *, is_alone: bool = True) -> Reader:
        """The reader of who pays.

        Args:
            is_alone: Nobody is known to join in a moment.
        """
        self._was_led = True
        self._leader = reader = self._join(self._upstream.head)
        if not is_alone:
            self._start_pump()
        return reader

    async def follow(self) -> Reader | None:
        """Another reader; None where it is too late, or the upstream was lost meanwhile: call for yourself."""
        if self._on_full is None:
            return None
        if not self._was_led and self._orphan is None:
            self._adopt(Assembler(), self._seen)
        reader = self._join([event for batch in self._seen for event in batch])
        if not self._is_pulling:
            self._start_pump()
            return reader
        # cancelling the task that waits for the upstream now would end the upstream: not before it has let go
        handover = self._handover = self._handover or asyncio.get_running_loop().create_future()
        try:
            return reader if await asyncio.shield(handover) else None
        except asyncio.CancelledError:
            await reader.aclose()
            raise

    def leave_to_others(self, assembler: Assembler, reader: Reader, pay: Close) -> bool:
        """Let the others' reading settle the bill, where who pays has left and the answer goes on.

        Args:
            assembler: Holds what `reader` has read; from now on gets the rest, and goes to `pay` at the end.
        """
        if self.is_over or not self._readers:
            return False
        self._pay = pay
        self._adopt(assembler, reader.unread())
        return True

    def _adopt(self, assembler: Assembler, batches: list[list[Event]]) -> None:
        for batch in batches:
            assembler.add(batch)
        self._orphan = assembler

    def _join(self, head: list[Event]) -> Reader:
        reader = Reader(self, head)
        self._readers.append(reader)
        return reader

    # ---- one reader alone

    @property
    def is_pumped(self) -> bool:
        return self._pump is not None

    async def pull(self) -> list[Event]:
        """The next batch, for the only reader."""
        self._is_pulling = True
        try:
            batch = await self._rest.__anext__()
        except BaseException as e:
            self._is_pulling = False
            self._ended(e)
            raise
        self._is_pulling = False
        if self._on_full is not None:
            self._keep(batch)
        if self._handover is not None:
            for other in self._readers[1:]:
                other.push(batch)
            self._start_pump()
            self._hand_over(True)
        return batch

    def _hand_over(self, is_whole: bool) -> None:
        handover, self._handover = self._handover, None
        if handover is not None:
            handover.set_result(is_whole)

    def _keep(self, batch: list[Event]) -> None:
        self._seen.append(batch)
        for event in batch:
            self._n_seen_bytes += len(event.payload)
        if self._n_seen_bytes > MAX_REPLAY_BYTES:
            self._close_to_others()

    def _close_to_others(self) -> None:
        on_full, self._on_full = self._on_full, None
        if on_full is not None:
            self._seen = []
            on_full(self)

    # ---- several

    def _start_pump(self) -> None:
        if self._pump is None and not self.is_over:
            self._pump = asyncio.create_task(self._run())

    async def _run(self) -> None:
        end: BaseException = StopAsyncIteration()
        try:
            async for batch in self._rest:
                if self._on_full is not None:
                    self._keep(batch)
                if self._orphan is not None:
                    self._orphan.add(batch)
                for reader in self._readers:
                    reader.push(batch)
                    if reader.is_late and reader is not self._leader:
                        reader.finish(StreamBroken("read too slowly to share the stream", tier=""))
                if self._leader is not None and self._leader.is_late:
                    await self._leader.has_read()  # who pays sets the pace
        except asyncio.CancelledError:
            self._ended(end)
            raise
        except Exception as e:  # noqa: BLE001 - may be a plugged backend's: every reader gets it
            end = e
        self._ended(end)
        await self._close()

    def _ended(self, end: BaseException) -> None:
        self.is_over = True
        self._close_to_others()
        if self._handover is not None and not isinstance(end, StopAsyncIteration):
            del self._readers[1:]  # nothing was released to them: they call for themselves
            self._hand_over(False)
        self._hand_over(True)
        for reader in self._readers:
            reader.finish(end)

    async def leave(self, reader: Reader) -> None:
        """A reader goes; the last one takes the upstream along."""
        if reader not in self._readers:
            return
        self._readers.remove(reader)
        if reader is self._leader:
            self._leader = None
        if not self._readers:
            await self.aclose()

    async def aclose(self) -> None:
        """Let go of the upstream. May be called twice."""
        self._close_to_others()
        if self._pump is not None and not self._pump.done():
            if not self.is_over:
                self._pump.cancel()
            await asyncio.wait([self._pump])
        await self._close()

    async def _close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = self.is_over = True
        try:
            await self._upstream.aclose()
        finally:
            if self._orphan is not None:
                await self._pay(self._orphan)
