"""Single flight for streams: who asks the same while one is under way reads it along."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from stepwell.reader import Reader
from stepwell.shared import SharedStream

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A stream that was opened, and what is known of who answers."""

    stream: SharedStream
    about: T


@dataclass(frozen=True, slots=True)
class Seat(Generic[T]):
    """One reader's place at a call.

    Attributes:
        is_shared: Another caller made the call, and pays.
    """

    call: Call[T]
    reader: Reader
    is_shared: bool


OnFull = Callable[[SharedStream], None]
Open = Callable[[OnFull | None], Awaitable[Call[T]]]


@dataclass(slots=True)
class _Opening(Generic[T]):
    task: asyncio.Task[Call[T]]
    n_waiting: int = 0


class StreamFlights(Generic[T]):
    """The streams under way, by key. One event loop only."""

    def __init__(self) -> None:
        self._opening: dict[bytes, _Opening[T]] = {}
        self._open: dict[bytes, Call[T]] = {}
        self.n_shared = 0

    def __len__(self) -> int:
        return len(self._opening) + len(self._open)

    async def seat(self, key: bytes, open_: Open[T]) -> Seat[T]:
        """Join the stream under way for `key`, or open one.

        Opening runs in a task of its own: it outlives who started it, and is cancelled once nobody waits. Where it
        fails, each who waited opens one for themselves, with limits of their own.

        Args:
            open_: Opens a stream; is given what to call once nobody can join it any more.

        Raises:
            Whatever the caller's own call raises.
        """
        seat = await self._joined(key)
        if seat is not None:
            self.n_shared += 1
            return seat
        if key in self._opening or key in self._open:
            return await alone(open_)
        return await self._waited(self._start(key, open_), key, is_first=True)

    async def _joined(self, key: bytes) -> Seat[T] | None:
        opening = self._opening.get(key)
        if opening is not None:
            with suppress(Exception):  # the first one's own limits may be why
                return await self._waited(opening, key, is_first=False)
            return None
        call = self._open.get(key)
        return None if call is None else await _followed(call)

    def _start(self, key: bytes, open_: Open[T]) -> _Opening[T]:
        async def run() -> Call[T]:
            call = await open_(lambda stream: self._forget(key, stream))
            self._open[key] = call
            return call

        opening = self._opening[key] = _Opening(asyncio.create_task(run()))
        opening.task.add_done_callback(lambda _: self._opened(key, opening))
        return opening

    async def _waited(self, opening: _Opening[T], key: bytes, *, is_first: bool) -> Seat[T]:
        opening.n_waiting += 1
        try:
            call = await asyncio.shield(opening.task)
            if is_first:
                return Seat(call, call.stream.lead(is_alone=opening.n_waiting == 1), is_shared=False)
            seat = await _followed(call)
            if seat is None:
                raise LookupError  # calls for themselves
            return seat
        finally:
            opening.n_waiting -= 1
            if not opening.n_waiting:
                await self._left(opening, key)

    async def _left(self, opening: _Opening[T], key: bytes) -> None:
        """Nobody waits for the opening any more: stop it, or close what came of it and nobody reads."""
        if not opening.task.done():
            self._opened(key, opening)
            opening.task.cancel()
            await asyncio.wait([opening.task])  # the upstream has been let go once the caller is
        if not opening.task.cancelled() and opening.task.exception() is None:
            stream = opening.task.result().stream
            if not stream.is_read and not stream.is_over:
                await stream.aclose()

    def _opened(self, key: bytes, opening: _Opening[T]) -> None:
        if self._opening.get(key) is opening:
            del self._opening[key]
        if opening.task.done() and not opening.task.cancelled():
            opening.task.exception()  # seen, whoever still waits

    def _forget(self, key: bytes, stream: SharedStream) -> None:
        call = self._open.get(key)
        if call is not None and call.stream is stream:
            del self._open[key]


async def alone(open_: Open[T]) -> Seat[T]:
    """A stream that nobody else can join."""
    call = await open_(None)
    return Seat(call, call.stream.lead(), is_shared=False)


async def _followed(call: Call[T]) -> Seat[T] | None:
    reader = await call.stream.follow()
    return None if reader is None else Seat(call, reader, is_shared=True)
