"""The load generator: a closed loop over keep-alive connections, raw asyncio, every answer checked."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast

from tests.support.payloads import TOKEN

_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_TOKEN = TOKEN.encode()
TIME_LIMIT_S = 180
# a request's number stands here, so that no two are the same
NUMBER = "00000000"


@dataclass(frozen=True, slots=True)
class Target:
    """What to send, and where; an answer is right when it has `n_tokens` tokens."""

    port: int
    body: bytes
    n_tokens: int
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = "/v1/chat/completions"

    def parts(self) -> tuple[bytes, bytes]:
        """The request, cut where its number goes."""
        head = {"host": f"127.0.0.1:{self.port}", "content-type": "application/json", **self.headers}
        lines = "".join(f"{k}: {v}\r\n" for k, v in head.items())
        start = f"POST {self.path} HTTP/1.1\r\n{lines}content-length: {len(self.body)}\r\n\r\n"
        before, _, after = self.body.partition(NUMBER.encode())
        return start.encode() + before, after


@dataclass(slots=True)
class Outcome:
    """Seconds of each right answer, and to its first token; `sample` is the first wrong answer's start."""

    seconds: list[float] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)
    n_wrong: int = 0
    sample: str = ""


class _Lane(asyncio.Protocol):
    """One connection: the next request leaves when the last answer is whole."""

    transport: asyncio.Transport

    def __init__(self, job: _Job) -> None:
        self._job = job
        self._got = bytearray()
        self._is_waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._send()

    def _send(self) -> None:
        request = self._job.next_request()
        if request is None:
            self.transport.close()
            return
        self._got.clear()
        self._first_s = 0.0
        self._is_waiting = True
        self._began_s = perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        got = self._got
        got += data
        if not self._first_s and _TOKEN in got:
            self._first_s = perf_counter() - self._began_s
        end = got.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(got, 0, end + 2)
        is_whole = len(got) >= end + 4 + int(length[1]) if length else got.endswith(b"\r\n0\r\n\r\n")
        if is_whole:
            self._count()
            self._send()

    def _count(self) -> None:
        self._is_waiting = False
        took_s, out = perf_counter() - self._began_s, self._job.outcome
        if self._got[9:12] == b"200" and self._got.count(_TOKEN) == self._job.target.n_tokens:
            out.seconds.append(took_s)
            out.first_s.append(self._first_s)
            return
        out.n_wrong += 1
        out.sample = out.sample or bytes(self._got[:300]).decode(errors="replace")

    def connection_lost(self, exc: Exception | None) -> None:
        if self._is_waiting:
            self._count()  # without its end it has too few tokens, or counts as it is
        self._job.lane_ended()


class _Job:
    def __init__(self, target: Target, n_requests: int, n_lanes: int) -> None:
        self.target = target
        self.outcome = Outcome()
        self._before, self._after = target.parts()
        self._n_left = n_requests
        self._n_lanes = n_lanes

    def next_request(self) -> bytes | None:
        if self._n_left <= 0:
            return None
        self._n_left -= 1
        return b"%s%08d%s" % (self._before, next(_numbers), self._after)

    def lane_ended(self) -> None:
        self._n_lanes -= 1
        if not self._n_lanes:
            self._done.set_result(None)

    async def run(self) -> Outcome:
        loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] = loop.create_future()
        lanes = [
            loop.create_connection(lambda: _Lane(self), "127.0.0.1", self.target.port)
            for _ in range(self._n_lanes)
        ]
        await asyncio.gather(*lanes)
        async with asyncio.timeout(TIME_LIMIT_S):
            await self._done
        return self.outcome


_numbers = itertools.count()


async def drive(target: Target, n_requests: int, n_lanes: int) -> Outcome:
    """Send `n_requests` over `n_lanes` connections; no two requests of this process are the same.

    Raises:
        OSError: Nobody listens.
        TimeoutError: It took over `TIME_LIMIT_S`.
    """
    return await _Job(target, n_requests, n_lanes).run()
