from __future__ import annotations

import asyncio
import logging

import pytest

from stepwell.memory.cache.background import Background


async def test_one_after_the_other_and_no_more_than_fit() -> None:
    background = Background(max_queued=3, n_at_once=1)
    n_running, most = 0, 0

    async def work() -> None:
        nonlocal n_running, most
        n_running += 1
        most = max(most, n_running)
        await asyncio.sleep(0)
        n_running -= 1

    assert [background.start(work()) for _ in range(5)] == [True] * 3 + [False] * 2
    await background.drain()
    assert (most, n_running, len(background)) == (1, 0, 0)
    assert background.start(work())
    await background.drain()


async def test_what_hangs_is_cancelled() -> None:
    background = Background()
    background.start(asyncio.Event().wait())  # type: ignore[arg-type]
    background.start(asyncio.Event().wait())  # type: ignore[arg-type]
    await background.drain(timeout_s=0.01)
    assert len(background) == 0


async def test_a_failure_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    background = Background()

    async def broken() -> None:
        raise ValueError("secret")

    background.start(broken())
    with caplog.at_level(logging.ERROR):
        await background.drain()
        await asyncio.sleep(0)
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text


async def test_a_slow_one_does_not_hold_up_the_others() -> None:
    background, goes_on = Background(n_at_once=2), asyncio.Event()
    done: list[int] = []

    async def slow() -> None:
        await goes_on.wait()

    async def quick(n: int) -> None:
        done.append(n)

    background.start(slow())
    for n in range(3):
        background.start(quick(n))
    for _ in range(20):
        await asyncio.sleep(0)
    assert done == [0, 1, 2]
    goes_on.set()
    await background.drain()
    assert len(background) == 0
