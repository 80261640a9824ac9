"""A deadline ends what is late, and nothing else."""

import asyncio

import pytest

from stepwell.router.deadline import Deadline


async def test_what_is_late_raises_timeout_and_the_task_lives_on() -> None:
    with pytest.raises(TimeoutError):
        with Deadline(0.01):
            await asyncio.sleep(5)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_what_is_in_time_returns() -> None:
    with Deadline(5):
        await asyncio.sleep(0)


async def test_a_cancel_from_outside_stays_a_cancel() -> None:
    async def work() -> None:
        with Deadline(5):
            await asyncio.sleep(5)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancel_from_outside_wins_over_a_deadline_at_the_same_time() -> None:
    async def work() -> None:
        with Deadline(0):
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(5)

    task = asyncio.create_task(work())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_body_passes() -> None:
    with pytest.raises(KeyError):
        with Deadline(5):
            raise KeyError
