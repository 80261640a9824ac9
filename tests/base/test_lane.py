"""Threads for one purpose."""

import asyncio
import os
import threading

import pytest

from stepwell.base.lane import Lane


async def test_work_runs_off_the_event_loop_on_threads_of_that_name() -> None:
    assert (await Lane("some-lane", 1).run(lambda: threading.current_thread().name)).startswith("some-lane")


async def test_a_full_lane_holds_up_no_other() -> None:
    open_it = threading.Event()
    full, other = Lane("full", 1), Lane("other", 1)
    waiting = [asyncio.create_task(full.run(open_it.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    assert await other.run(lambda: 7) == 7
    assert not any(task.done() for task in waiting)
    open_it.set()
    assert all(await asyncio.gather(*waiting))


async def test_work_that_has_not_begun_is_dropped_with_its_caller() -> None:
    open_it, ran = threading.Event(), []
    lane = Lane("dropping", 1)
    first = asyncio.create_task(lane.run(open_it.wait))
    await asyncio.sleep(0)
    second = asyncio.create_task(lane.run(lambda: ran.append(1)))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    open_it.set()
    await first
    await lane.run(lambda: None)
    assert ran == []


async def test_what_work_raises_is_raised() -> None:
    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await Lane("failing", 1).run(fail)


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="no fork here")
async def test_a_child_process_gets_threads_of_its_own() -> None:
    lane = Lane("forked", 1)
    await lane.run(lambda: None)
    lane._forget()  # as after a fork
    assert await lane.run(lambda: 3) == 3
