"""The local tier end to end, with the real model where its weights are here."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from stepwell import Stepwell
from stepwell.base.errors import AllTiersFailed
from stepwell.router.tiers import weights
from stepwell.router.tiers.local import LocalBackend

MODEL = "smollm2-135m-instruct"
pytestmark = pytest.mark.skipif(
    weights.find(MODEL) is None, reason=f"the weights of {MODEL} are not here: stepwell local fetch"
)
SENTIMENT = (
    "Is the sentiment of this review positive or negative? Answer with one word.\n"
    "Review: I loved every minute of it, a wonderful film."
)


@pytest.fixture(scope="module")
def well() -> Iterator[Stepwell]:
    with Stepwell(
        tiers={"local": {"model": f"local/{MODEL}"}},
        cache={"exact": False, "semantic": "off"},
        promises={"min_p_ok": 0},
    ) as made:
        yield made


def pid_of(well: Stepwell) -> int:
    backend = well.pipeline.tiers["local"].deployments[0].backend
    assert isinstance(backend, LocalBackend)
    assert backend.server is not None
    assert backend.server.pid is not None
    return backend.server.pid


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_tells_a_reviews_sentiment(well: Stepwell) -> None:
    reply = well.chat(SENTIMENT, temperature=0, max_tokens=8, seed=1)
    assert "positive" in reply.text.lower()
    assert reply.tier == "local"
    assert reply.cost_usd == 0
    assert 0 < reply.usage.completion_tokens <= 8
    assert not reply.is_cost_estimated


def test_it_streams_piece_by_piece(well: Stepwell) -> None:
    with well.stream("Count from one to ten.", temperature=0, max_tokens=24) as stream:
        pieces = list(stream)
    assert len(pieces) > 5
    assert stream.reply is not None
    assert stream.reply.text == "".join(pieces)


def test_a_killed_server_is_started_again(well: Stepwell) -> None:
    well.chat("Say hi.", max_tokens=2)
    before = pid_of(well)
    os.kill(before, signal.SIGKILL)
    assert well.chat("Say hi.", max_tokens=2).usage.completion_tokens > 0
    assert pid_of(well) != before


def test_many_first_requests_start_one_server() -> None:
    async def run() -> tuple[int, int]:
        async with Stepwell(
            tiers={"local": {"model": f"local/{MODEL}"}}, cache={"semantic": "off"}, promises={"min_p_ok": 0}
        ) as well:
            replies = await asyncio.gather(*(well.achat(f"Say {i}.", max_tokens=2) for i in range(4)))
            pid = pid_of(well)
            assert is_alive(pid)
        return pid, len(replies)

    pid, n = asyncio.run(run())
    assert n == 4
    assert not is_alive(pid)


def one_tier(**deployment: object) -> dict[str, Any]:
    return {
        "tiers": {"local": {"model": f"local/{MODEL}", **deployment}},
        "cache": {"exact": False, "semantic": "off"},
        "promises": {"min_p_ok": 0},
    }


async def test_killed_under_load_it_answers_all_the_same() -> None:
    async with Stepwell(**one_tier()) as well:

        async def ask(n: int) -> str:
            return (await well.achat(f"Count up from {n}.", temperature=0, max_tokens=16)).text

        async def streamed(n: int) -> str:
            stream = await well.astream(f"Count up from {n}.", temperature=0, max_tokens=16)
            _ = [event async for event in stream]
            assert stream.reply is not None
            return stream.reply.text

        calm = [await ask(n) for n in range(3)]
        waiting = [asyncio.create_task(ask(n)) for n in (0, 1, 2, 0, 1, 2)]
        pids = [pid_of(well)]
        for _ in range(2):
            await asyncio.sleep(0.2)
            os.kill(pids[-1], signal.SIGKILL)
            waiting.append(asyncio.create_task(streamed(1)))  # its first event is not out yet
            pids.append(await another_pid(well, pids[-1]))
        assert await asyncio.gather(*waiting) == [*calm, *calm, calm[1], calm[1]]
    assert not any(is_alive(p) for p in pids)


async def another_pid(well: Stepwell, before: int) -> int:
    """Of the process that came after."""
    backend = well.pipeline.tiers["local"].deployments[0].backend
    assert isinstance(backend, LocalBackend)
    assert backend.server is not None
    for _ in range(6000):
        if backend.server.pid not in (None, before):
            break
        await asyncio.sleep(0.01)
    return pid_of(well)


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux")
def test_weights_that_do_not_fit_name_the_limit_and_are_not_tried_again() -> None:
    with Stepwell(**one_tier(max_memory_mb=150)) as well, pytest.raises(AllTiersFailed) as e:
        well.chat("Say hi.")
    [only] = e.value.exceptions
    assert "max_memory_mb = 150" in str(only)


def test_weights_that_fit_are_served_under_the_limit() -> None:
    with Stepwell(**one_tier(max_memory_mb=1500)) as well:
        assert well.chat("Say hi.", max_tokens=2).usage.completion_tokens == 2


async def test_warmed_it_runs_before_the_first_request() -> None:
    async with Stepwell(**one_tier()) as well:
        await well.pipeline.warm()
        pid = pid_of(well)
        reply = await well.achat("Say hi.", max_tokens=2)
        assert (pid_of(well), reply.tier) == (pid, "local")


async def test_what_can_not_be_warmed_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with Stepwell(**one_tier(model="local/nothing-of-that-name")) as well:
        await well.pipeline.warm()
    async with Stepwell(**one_tier(max_memory_mb=150)) as well:
        await well.pipeline.warm()
    if sys.platform == "linux":
        assert "max_memory_mb = 150" in caplog.text


OWNER = """
import asyncio, sys
from stepwell import Stepwell

async def main():
    well = Stepwell(tiers={"local": {"model": sys.argv[1]}}, promises={"min_p_ok": 0})
    await well.pipeline.warm()
    print(well.pipeline.tiers["local"].deployments[0].backend.server.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_it_does_not_outlive_a_parent_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, f"local/{MODEL}"], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert is_alive(pid)
        owner.kill()
    until_s = time.monotonic() + 20
    while is_running(pid) and time.monotonic() < until_s:
        time.sleep(0.02)
    assert not is_running(pid)


def is_running(pid: int) -> bool:
    """As `is_alive`; what ended and waits for somebody to take notice has ended."""
    if not is_alive(pid):
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return not state.stdout.strip().startswith("Z") and bool(state.stdout.strip())
