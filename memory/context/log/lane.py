"""A thread that speaks with Redis: what waits goes out together, in the order in which it came."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha1
from queue import Empty, SimpleQueue
from typing import Any

from stepwell.base.errors import ConfigError
from stepwell.memory.context.log import redis_scripts as scripts

Arg = str | bytes | int | float
Answer = list[Any]

MAX_WAITING = 10_000
_N_A_BATCH = 64
_RETRY_S = 0.02
_SHAS = {s: sha1(s.encode(), usedforsecurity=False).hexdigest() for s in scripts.ALL}


class NoAnswer(Exception):
    """Redis did not answer in time, or the lane is closed."""


@dataclass(frozen=True, slots=True)
class _Call:
    script: str
    keys: tuple[str, ...]
    args: tuple[Arg, ...]
    ends_at_s: float
    future: Future[Answer] = field(default_factory=Future)

    def hear(self, answer: Answer | Exception) -> None:
        with suppress(InvalidStateError):  # who asked waits no longer
            if isinstance(answer, Exception):
                self.future.set_exception(answer)
            else:
                self.future.set_result(answer)


class Lane:
    """Runs scripts in the order in which they were asked for; any thread may ask.

    A connection that breaks is made anew, and what it left open is asked again for as long as somebody waits: the
    scripts change nothing twice.

    Args:
        timeout_s: Longest wait for an answer.

    Raises:
        ConfigError: No Redis URL.
    """

    def __init__(self, url: str, *, name: str, timeout_s: float) -> None:
        self._redis: Any = _client(url, timeout_s)
        self._name = name
        self._timeout_s = timeout_s
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._ahead_ms: float | None = None  # Redis' clock over our monotonic one
        self._sent_s = 0.0
        self._is_closed = False
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def ask(self, script: str, keys: Sequence[str], args: Sequence[Arg]) -> Future[Answer]:
        """The script's answer; the future fails with NoAnswer, a RedisError or an OSError."""
        call = _Call(script, tuple(keys), tuple(args), time.monotonic() + self._timeout_s)
        if self._is_closed or self._calls.qsize() >= MAX_WAITING:
            call.hear(NoAnswer())
            return call.future
        self._calls.put(call)
        if self._thread is None:
            self._start()
        return call.future

    def close(self) -> None:
        """Ask what waits, for as long as somebody waits for it, then let go of Redis. Blocks meanwhile."""
        self._is_closed = True
        self._calls.put(None)
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        while True:  # what came between the two
            try:
                call = self._calls.get_nowait()
            except Empty:
                break
            if call is not None:
                call.hear(NoAnswer())
        self._redis.close()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                name = f"stepwell-conversations-{self._name}"
                self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._thread.start()

    # ---- in the thread

    def _run(self) -> None:
        is_over = False
        while not is_over:
            batch = self._next_batch()
            is_over = None in batch
            self._serve([call for call in batch if call is not None])

    def _next_batch(self) -> list[_Call | None]:
        batch = [self._calls.get()]
        with suppress(Empty):
            while len(batch) < _N_A_BATCH and batch[-1] is not None:
                batch.append(self._calls.get_nowait())
        return batch

    def _serve(self, calls: list[_Call]) -> None:
        from redis.exceptions import RedisError

        why: Exception = NoAnswer()
        while calls := _waited_for(calls, why):
            try:
                answers = self._evaluate(calls)
            except (RedisError, OSError) as e:
                why, self._ahead_ms = e, None
                self._redis.connection_pool.disconnect()
                time.sleep(_RETRY_S)
                continue
            calls = self._told(calls, answers)

    def _told(self, calls: Sequence[_Call], answers: Sequence[Answer | Exception]) -> list[_Call]:
        """Hand the answers out; returns what came too late by Redis' clock, which may have been set meanwhile."""
        again = []
        for call, answer in zip(calls, answers, strict=True):
            if isinstance(answer, Exception) or answer[0] != b"late":
                call.hear(answer)
            else:
                self._hear_clock(answer[1])
                again.append(call)
        return again

    def _hear_clock(self, now_ms: int) -> None:
        """Redis read its clock between sending and now: keep the difference within that."""
        least, most = now_ms - time.monotonic() * 1000, now_ms + 1 - self._sent_s * 1000
        self._ahead_ms = min(max(self._ahead(), least), most)

    def _evaluate(self, calls: Sequence[_Call]) -> list[Answer | Exception]:
        from redis.exceptions import BusyLoadingError, NoScriptError, ReadOnlyError

        answers = self._pipe(calls)
        if any(isinstance(a, NoScriptError) for a in answers):  # this Redis is new
            for script in scripts.ALL:
                self._redis.script_load(script)
            answers = self._pipe(calls)
        for answer in answers:
            if isinstance(answer, BusyLoadingError | ReadOnlyError):
                raise answer
        return answers

    def _pipe(self, calls: Sequence[_Call]) -> list[Answer | Exception]:
        ahead_ms = self._ahead()
        pipe = self._redis.pipeline(transaction=False)
        for call in calls:
            until_ms = int(call.ends_at_s * 1000 + ahead_ms)
            pipe.evalsha(_SHAS[call.script], len(call.keys), *call.keys, until_ms, *call.args)
        self._sent_s = time.monotonic()
        answers: list[Answer | Exception] = pipe.execute(raise_on_error=False)
        return answers

    def _ahead(self) -> float:
        """Asked on each new connection: it may lead to another Redis."""
        if self._ahead_ms is None:
            s, us = self._redis.time()
            self._ahead_ms = s * 1000 + us / 1000 - time.monotonic() * 1000
        return self._ahead_ms


def _waited_for(calls: Sequence[_Call], why: Exception) -> list[_Call]:
    """Those that somebody still waits for; the others hear why."""
    now_s, waited_for = time.monotonic(), []
    for call in calls:
        if call.ends_at_s <= now_s:
            call.hear(why)
        elif not call.future.cancelled():
            waited_for.append(call)
    return waited_for


def _client(url: str, timeout_s: float) -> Any:
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    try:
        return Redis.from_url(
            url,
            protocol=2,  # answers of one shape, and no HELLO, which Redis 5 does not know
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),  # with its default retries a frozen Redis takes 6 s
        )
    except ValueError:  # its text may show the password
        raise ConfigError(
            "the Redis URL of conversations is not a redis://, rediss:// or unix:// one"
        ) from None
