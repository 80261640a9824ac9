"""10,000 faulty calls leave nothing: no connection, task, place, lease, object or memory."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import itertools
import os
from collections import Counter
from contextlib import suppress
from pathlib import Path

from stepwell import Stepwell
from stepwell.base.errors import StepwellError
from tests.support.served import collect, sections, tier, until
from tests.support.upstream import Upstream

N_CALLS = 10_000
N_AT_ONCE = 24
FAULTS = (
    *("mock-e429-r60", "mock-e503", "mock-e400", "mock-e401", "mock-drop", "mock-html"),
    *("mock-garbage", "mock-empty", "mock-cut", "mock-reset", "mock-short", "mock-huge"),
    *("mock-hanghead", "mock-hangmid", "mock-early", "mock-unfinished", "mock-errorevent", "mock-n3"),
)


def n_rss_bytes() -> int:
    """Of this process, after what is free has gone back to the system: the suite's own arenas are not at issue."""
    with suppress(AttributeError, OSError):  # glibc alone has it
        ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def call(well: Stepwell, n: int) -> str:
    """One call: whole, streamed, streamed and left, or cancelled; gives how it ended."""
    kind = n // len(FAULTS) % 4
    try:
        if kind == 0:
            await well.achat("Say tk.")
        elif kind == 1:
            async with asyncio.timeout(0.02):
                await well.achat("Say tk.")
        else:
            stream = await well.astream("Say tk.")
            async for _ in stream:
                if kind == 3:
                    break
            await stream.aclose()
    except StepwellError as e:
        return e.code
    except TimeoutError:
        return "left"
    return "ok"


async def many(well: Stepwell, upstream: Upstream, n_calls: int) -> Counter[str]:
    numbers, ends = iter(range(n_calls)), Counter[str]()
    faults = itertools.cycle(FAULTS)

    async def work() -> None:
        for n in numbers:
            upstream.script(next(faults))
            ends[await call(well, n)] += 1

    await asyncio.gather(*(work() for _ in range(N_AT_ONCE)))
    upstream.state.script.clear()
    return ends


async def test_nothing_is_left(upstream: Upstream) -> None:
    upstream.state.keeps_bodies = False
    values = sections(
        {"only": tier(upstream.base_url, "mock-e503")},
        timeout_s=0.05,
        stream_idle_timeout_s=0.05,
        max_answer_bytes=20_000,
        max_retries=1,
    )
    values["promises"]["max_usd_per_day"] = 1e6
    async with Stepwell(**values) as well:
        await many(well, upstream, 1500)
        collect()
        n_objects, rss = len(gc.get_objects()), n_rss_bytes()
        ends = await many(well, upstream, N_CALLS)
        assert sum(ends.values()) == N_CALLS
        assert {"all_tiers_failed", "upstream_refused", "stream_broken", "tier_timeout", "ok", "left"} <= set(
            ends
        )
        [deployment] = well.pipeline.tiers["only"].deployments
        assert deployment.n_in_flight == 0
        assert well.pipeline.metrics.n_in_flight == 0
        await until(lambda: len(asyncio.all_tasks()) == 1)
        await until(lambda: upstream.n_open <= N_AT_ONCE)
        collect()
        assert len(gc.get_objects()) - n_objects < 2000
        # 3.5 MB in a process of its own, whatever the number of calls; among the suite's fragments up to 13
        assert n_rss_bytes() - rss < 24 * 2**20
    await until(lambda: upstream.n_open == 0)
