"""Where checks run: long texts off the event loop, judges on threads of their own and no longer than they may."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from stepwell.base.decisions import Finding, Verdict
from stepwell.base.errors import GuardBlocked
from stepwell.guards.check import WHOLE_TEXT
from stepwell.guards.context import Context
from stepwell.guards.deadline import MOST_WAITS, SHORT_CHARS
from stepwell.guards.rules import Rule
from stepwell.guards.scan import INLINE_CHARS, Scan, aside
from stepwell.guards.tally import Tally
from stepwell.guards.time_limit import in_time, time_limit


class Where:
    """Notes on which threads it runs."""

    name, kinds, max_len = "where", ("W",), 8

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def find(self, text: str) -> list[Finding]:
        self.threads.append(threading.current_thread())
        return [Finding("W", 0, 1, check="where")] if text.startswith("x") else []


class Judging:
    """Looks for so long at texts that begin with "slow", and at others for no time."""

    name, kinds, max_len = "judging", ("J",), WHOLE_TEXT
    floor, reads_vector = 0.0, False

    def __init__(self, slow_s: float = 60.0) -> None:
        self._slow_s = slow_s
        self.n_done = 0

    def find(self, text: str) -> list[Finding]:
        return self.find_in(text, Context())

    def find_in(self, text: str, context: Context) -> list[Finding]:
        ends_s = time.monotonic() + (self._slow_s if text.startswith("slow") else 0.0)
        while time.monotonic() < ends_s:
            in_time()
            time.sleep(0.005)
        self.n_done += 1
        return []

    def default_threshold(self, false_blocks: float) -> float:
        return 0.5


def scan() -> Scan:
    return Scan(Tally("input"), "p")


async def values(check: Where, *texts: str) -> list[str]:
    on = scan()
    return [await on.clean(t, (Rule(check, "redact"),), "input", "", is_json=None) for t in texts]


async def judged(check: Judging, text: str, timeout_s: float = 30.0) -> Verdict:
    on = scan()
    await on.judge(text, (Rule(check, "block", timeout_s=timeout_s),), "input", "")
    return on.tally.verdict


async def test_a_short_text_is_checked_where_it_is() -> None:
    check = Where()
    await values(check, "short")
    assert check.threads == [threading.current_thread()]


async def test_a_long_text_is_checked_off_the_event_loop() -> None:
    check = Where()
    long = "x" + "a" * INLINE_CHARS
    assert await values(check, long) == ["[W]" + "a" * INLINE_CHARS]
    assert check.threads
    assert threading.current_thread() not in check.threads


async def test_many_short_texts_let_others_run_between_them() -> None:
    check = Where()
    n = INLINE_CHARS // 1000 + 1
    await values(check, *["a" * 1000] * n)
    assert threading.current_thread() in check.threads
    assert any(t is not threading.current_thread() for t in check.threads)


async def test_a_judge_that_is_late_stops_and_frees_its_thread() -> None:
    check = Judging()
    for _ in range(2):
        with pytest.raises(GuardBlocked):
            await judged(check, "slow", timeout_s=0.05)
    assert (await asyncio.wait_for(judged(check, "fast"), 30)).action == "allow"
    assert check.n_done == 1


async def test_long_texts_do_not_keep_judges_from_short_ones() -> None:
    check = Judging()
    long = asyncio.create_task(judged(check, "slow" + "a" * SHORT_CHARS))
    await asyncio.sleep(0.02)
    await asyncio.wait_for(judged(check, "fast"), 30)
    assert not long.done()
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long
    await judged(check, "fast" + "a" * SHORT_CHARS)  # nobody waits for the other any more


async def test_waiting_for_a_turn_is_not_what_the_time_limit_is_for() -> None:
    check = Judging(slow_s=0.2)
    verdicts = await asyncio.gather(*[judged(check, "slow", timeout_s=0.6) for _ in range(5)])
    assert {v.action for v in verdicts} == {"allow"}


async def test_who_waits_for_many_limits_is_given_up() -> None:
    check = Judging(slow_s=0.5)
    first = asyncio.create_task(judged(check, "slow"))
    await asyncio.sleep(0.02)
    with pytest.raises(GuardBlocked):
        await judged(check, "fast", timeout_s=0.2 / MOST_WAITS)
    await first
    assert check.n_done == 1


def test_a_limit_holds_within_it_alone() -> None:
    in_time()
    with time_limit(-1.0), pytest.raises(TimeoutError):
        in_time()
    in_time()


async def test_other_work_on_long_texts_is_done_aside() -> None:
    assert await aside(threading.current_thread, INLINE_CHARS) is threading.current_thread()
    assert await aside(threading.current_thread, INLINE_CHARS + 1) is not threading.current_thread()
