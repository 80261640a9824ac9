from __future__ import annotations

import asyncio

import pytest

from stepwell.memory.cache.flight import Flights

KEY = b"k"


class Call:
    """An upstream call that ends when told to."""

    def __init__(self) -> None:
        self.n_made = 0
        self.n_cancelled = 0
        self.end: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def __call__(self) -> str:
        self.n_made += 1
        try:
            return await asyncio.shield(self.end)
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # letting go of the upstream takes a moment
            self.n_cancelled += 1
            raise


async def start(flights: Flights, call: Call, n: int) -> list[asyncio.Task[tuple[str, bool]]]:
    tasks = [asyncio.create_task(flights.share(KEY, call)) for _ in range(n)]
    await asyncio.sleep(0.01)
    return tasks


async def test_one_call_for_all() -> None:
    flights, call = Flights(), Call()
    tasks = await start(flights, call, 5)
    call.end.set_result("x")
    assert await asyncio.gather(*tasks) == [("x", False)] + [("x", True)] * 4
    assert call.n_made == 1
    assert len(flights) == 0


async def test_other_keys_do_not_wait() -> None:
    flights, call = Flights(), Call()
    await start(flights, call, 1)

    async def other() -> str:
        return "y"

    assert await flights.share(b"other", other) == ("y", False)
    call.end.set_result("x")


async def test_the_leader_may_leave() -> None:
    flights, call = Flights(), Call()
    leader, *followers = await start(flights, call, 3)
    leader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    call.end.set_result("x")
    assert await asyncio.gather(*followers) == [("x", True)] * 2
    assert (call.n_made, call.n_cancelled) == (1, 0)


async def test_the_call_is_cancelled_once_nobody_waits() -> None:
    flights, call = Flights(), Call()
    tasks = await start(flights, call, 3)
    for task in tasks:
        assert call.n_cancelled == 0
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert call.n_cancelled == 1  # let go of by the time the last one is gone
    assert len(flights) == 0


async def test_who_comes_while_it_is_cancelled_starts_anew() -> None:
    flights, call = Flights(), Call()
    (task,) = await start(flights, call, 1)
    task.cancel()
    late = asyncio.create_task(flights.share(KEY, call))
    await asyncio.sleep(0.01)
    call.end.set_result("x")
    assert await late == ("x", False)
    assert call.n_made == 2
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_is_not_shared() -> None:
    """The leader's limits may be why it failed: who waited calls with limits of their own."""
    flights, hurried, patient = Flights(), Call(), Call()
    (leader,) = await start(flights, hurried, 1)
    followers = await start(flights, patient, 2)
    error = ValueError("broken")
    hurried.end.set_exception(error)
    patient.end.set_result("x")
    assert await asyncio.gather(*followers) == [("x", False)] * 2
    with pytest.raises(ValueError, match="broken"):
        await leader
    assert (hurried.n_made, patient.n_made, flights.n_shared) == (1, 2, 0)
    assert len(flights) == 0


async def test_a_call_that_fails_at_once_leaves_nothing() -> None:
    flights = Flights()

    async def broken() -> str:
        raise ValueError

    for _ in range(3):
        with pytest.raises(ValueError):
            await flights.share(KEY, broken)
    assert len(flights) == 0
    assert flights.n_shared == 0
