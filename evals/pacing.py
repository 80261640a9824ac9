"""Who is asked next: fresh samples in turn, and those that an upstream sent back once their wait is over."""

from __future__ import annotations

import asyncio
import heapq
import random
from array import array
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from stepwell.evals.arms import Arm
from stepwell.evals.plan import Sample
from stepwell.evals.throttle import Throttle


@dataclass(frozen=True, slots=True)
class Pacing:
    """How patient a run is with upstreams.

    Attributes:
        backoff_s: First wait where the upstream names none; see Waiting.backoff_s.
        max_backoff_s: Longest such wait.
        max_wait_s: What one sample may wait in all before it ends as an infrastructure error.
        max_failures: Tries after timeouts and 5xx; a 429 is bounded by max_wait_s alone.
        streak: So many 429s of a tier in a row, with no answer between, pause the whole tier; or twice as many as are
            under way, where that is more: refusals come back at once, and answers take their time.
    """

    backoff_s: float = 0.5
    max_backoff_s: float = 30.0
    max_wait_s: float = 600.0
    max_failures: int = 3
    streak: int = 8


FIRST_ANSWER_S = 0.05


@dataclass(slots=True)
class Lane:
    """The samples of one tier or model, whichever arms ask it.

    Attributes:
        fresh: Places in the plan, the next one last.
        answer_s: How long an answer takes, about; None before the first one.
    """

    throttle: Throttle
    sample_at: Callable[[int], Sample]
    fresh: array[int] = field(default_factory=lambda: array("Q"))
    back: list[tuple[float, int, Sample]] = field(default_factory=list)
    paused_until: float = 0.0
    answer_s: float | None = None
    n_refused_in_row: int = 0

    def next_due(self) -> float | None:
        """Loop time from which a sample can be had; 0 means now, None that there is none, or no room for one."""
        if not self.throttle.has_room:
            return None
        if self.fresh:
            return self.paused_until
        return max(self.back[0][0], self.paused_until) if self.back else None

    def pop(self, now: float) -> Sample:
        if self.back and (self.back[0][0] <= now or not self.fresh):
            return heapq.heappop(self.back)[2]
        return self.sample_at(self.fresh.pop())


class Waiting:
    """The queue of a run. Single-threaded: call it from the event loop."""

    def __init__(
        self,
        places: Iterable[int],
        pacing: Pacing,
        *,
        arm_at: Callable[[int], Arm],
        sample_at: Callable[[int], Sample],
        most_at_once: int,
        throttles: dict[str, Throttle] | None = None,
    ) -> None:
        """Queue samples.

        Args:
            places: In the plan; a sample is made as its turn comes.
            most_at_once: Requests under way at one tier, at most.
            throttles: By tier, what was learnt of it before.
        """
        self._pacing = pacing
        self._lanes: dict[str, Lane] = {}
        known = {} if throttles is None else throttles
        for place in places:
            name = arm_at(place).lane
            if name not in self._lanes:
                before = known.get(name)
                known[name] = Throttle(most_at_once) if before is None else before.again()
                self._lanes[name] = Lane(known[name], sample_at)
            self._lanes[name].fresh.append(place)
        for lane in self._lanes.values():
            lane.fresh.reverse()
        self._turn = deque(self._lanes.values())
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._n_out = 0
        self._n_put_back = 0
        self.is_stopped = False

    async def take(self) -> Sample | None:
        """The next sample, as soon as one is due; None when all are done or the run was stopped."""
        loop = asyncio.get_running_loop()
        while not self.is_stopped:
            sample = self._pop(loop.time())
            if sample is not None:
                self._n_out += 1
                sample.sent_s = loop.time()
                self._lanes[sample.lane].throttle.sent()
                return sample
            due = min((d for lane in self._turn if (d := lane.next_due()) is not None), default=None)
            if self._n_out == 0 and self.n_left == 0:
                break
            await self._wait(due)
        self._wake(len(self._waiters))
        return None

    async def _wait(self, due: float | None) -> None:
        change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(change)
        try:
            async with asyncio.timeout_at(due):
                await change
        except TimeoutError:
            pass

    def _wake(self, n: int) -> None:
        """Let so many look again; who ended a sample does so by itself."""
        while n and self._waiters:
            change = self._waiters.popleft()
            if not change.done():
                change.set_result(None)
                n -= 1

    def _pop(self, now: float) -> Sample | None:
        for _ in range(len(self._turn)):
            lane = self._turn[0]
            self._turn.rotate(-1)
            due = lane.next_due()
            if due is not None and due <= now:
                return lane.pop(now)
        return None

    def finish(self, sample: Sample) -> None:
        """A sample ended; its tier answers."""
        lane = self._lanes[sample.lane]
        lane.n_refused_in_row = 0
        took_s = self._took_s(sample)
        lane.answer_s = took_s if lane.answer_s is None else lane.answer_s + (took_s - lane.answer_s) / 8
        lane.throttle.freed()
        self._end(lane, was_refused=False)

    def backoff_s(self, sample: Sample, *, was_refused: bool) -> float:
        """How long to wait where the upstream doesn't say.

        Longer with each failure of the sample; of refusals, only while the tier answers nobody: else they say nothing
        about how long it takes.
        """
        lane = self._lanes[sample.lane]
        n = lane.n_refused_in_row // self._streak(lane) if was_refused else max(0, sample.n_failed - 1)
        ceiling_s: float = min(self._pacing.max_backoff_s, self._pacing.backoff_s * 2 ** min(n, 16))
        return ceiling_s * random.uniform(0.5, 1)

    def _streak(self, lane: Lane) -> int:
        return max(self._pacing.streak, 2 * lane.throttle.limit)

    def put_back(self, sample: Sample, *, wait_s: float, was_refused: bool) -> None:
        """Ask again after `wait_s`; a streak of refusals (429) pauses the tier for as long."""
        lane = self._lanes[sample.lane]
        due = asyncio.get_running_loop().time() + wait_s
        self._n_put_back += 1
        heapq.heappush(lane.back, (due, self._n_put_back, sample))
        if was_refused:
            lane.n_refused_in_row += 1
            if lane.n_refused_in_row >= self._streak(lane):
                lane.paused_until = max(lane.paused_until, due)
        usual_s = FIRST_ANSWER_S if lane.answer_s is None else lane.answer_s
        hold_s = usual_s - self._took_s(sample) if was_refused else 0.0
        if hold_s > 0:
            asyncio.get_running_loop().call_later(hold_s, self._free, lane)
        else:
            lane.throttle.freed()
        self._end(lane, was_refused=was_refused)

    def _took_s(self, sample: Sample) -> float:
        return asyncio.get_running_loop().time() - sample.sent_s

    def _free(self, lane: Lane) -> None:
        lane.throttle.freed()
        self._wake(1)

    def _end(self, lane: Lane, *, was_refused: bool) -> None:
        limit = lane.throttle.limit
        lane.throttle.ended(was_refused=was_refused)
        self._n_out -= 1
        self._wake(1 + max(0, lane.throttle.limit - limit))

    def stop(self) -> None:
        """Hand out nothing more."""
        self.is_stopped = True
        self._wake(len(self._waiters))

    @property
    def n_lanes(self) -> int:
        return len(self._lanes)

    @property
    def n_left(self) -> int:
        return sum(len(lane.fresh) + len(lane.back) for lane in self._turn)
