"""Single flight: who asks the same at the same time shares one call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Flight:
    task: asyncio.Task[Any]
    n_waiting: int = 0


class Flights:
    """The calls under way, by key. One event loop only."""

    def __init__(self) -> None:
        self._flights: dict[bytes, _Flight] = {}
        self.n_shared = 0

    def __len__(self) -> int:
        return len(self._flights)

    async def share(self, key: bytes, make: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """Await the call under way for `key`, or start one.

        The call runs in a task of its own: it outlives who started it, and is cancelled once nobody waits.

        Only its result is shared: where it fails, each who waited calls for themselves, with limits of their own.

        Returns:
            The result, and whether another caller had started the call.

        Raises:
            Whatever the caller's own call raises.
        """
        flight = self._flights.get(key)
        if flight is None:
            return await self._wait(key, self._start(key, make)), False
        with suppress(Exception):  # the leader's own limits may be why
            found = await self._wait(key, flight)
            self.n_shared += 1
            return found, True
        return await make(), False

    def _start(self, key: bytes, make: Callable[[], Awaitable[Any]]) -> _Flight:
        async def call() -> Any:
            return await make()

        flight = self._flights[key] = _Flight(asyncio.create_task(call()))
        flight.task.add_done_callback(lambda task: self._landed(key, flight))
        return flight

    async def _wait(self, key: bytes, flight: _Flight) -> Any:
        flight.n_waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.n_waiting -= 1
            if not flight.n_waiting and not flight.task.done():
                self._drop(key, flight)
                flight.task.cancel()
                await asyncio.wait([flight.task])  # the upstream has been let go once the caller is

    def _landed(self, key: bytes, flight: _Flight) -> None:
        self._drop(key, flight)
        if not flight.task.cancelled():
            flight.task.exception()  # seen, whoever still waits

    def _drop(self, key: bytes, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
