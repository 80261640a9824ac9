"""One thread that tells Redis what changed here, and hears what changed elsewhere: nobody else waits for Redis."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from stepwell.base.errors import ConfigError
from stepwell.memory.redis import keys, scripts
from stepwell.memory.redis.boot import boot
from stepwell.memory.redis.mirror import Content, Messages, Mirror
from stepwell.memory.redis.outbox import Outbox
from stepwell.memory.writer import FAILURES

STALE_AFTER_S = 1.0
CHECK_EVERY_S = 1.0
BLOCK_MS = 50  # so long may a change wait before it is sent
N_A_BATCH = 256
N_A_READ = 500
RETRY_S = 0.25

Call = tuple[str, tuple[str, ...], tuple[str | bytes | int | float, ...]]
_SHAS = {s: sha1(s.encode(), usedforsecurity=False).hexdigest() for s in scripts.ALL}
_FIELDS = {b"p": "e", b"v": "v"}
_START = b"0-0"

_log = logging.getLogger("stepwell.memory")


class Link:
    """Keeps a mirror in step with Redis; connects, and comes back, by itself.

    Raises:
        ConfigError: No Redis URL.
    """

    def __init__(self, url: str, mirror: Mirror, outbox: Outbox, *, timeout_s: float) -> None:
        self._redis: Any = _client(url, timeout_s)
        self._mirror = mirror
        self._outbox = outbox
        self._epoch = b""
        self._log_at = self._notes_at = _START
        self._checked_at_s = 0.0
        self._in_step_at_s = -1e9
        self._is_down = False
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stepwell-cache-redis", daemon=True)
        self._thread.start()

    @property
    def is_in_step(self) -> bool:
        """True where all that was said a second ago is known here."""
        return time.monotonic() - self._in_step_at_s <= STALE_AFTER_S

    def close(self, *, timeout_s: float) -> None:
        """Send what waits, for at most that long, and let go of Redis."""
        ends_at_s = time.monotonic() + timeout_s
        while len(self._outbox) and self.is_in_step and time.monotonic() < ends_at_s:
            time.sleep(0.005)
        self._is_closing.set()
        self._thread.join(timeout_s)
        self._in_step_at_s = -1e9

    # ---- in the thread

    def _run(self) -> None:
        from redis.exceptions import RedisError

        while not self._is_closing.is_set():
            try:
                self._live()
            except (RedisError, OSError, LookupError, *FAILURES) as e:  # or what is there is not ours
                self._checked_at_s = 0.0
                self._say(is_down=True, why=type(e).__name__)
                self._redis.connection_pool.disconnect()
                self._is_closing.wait(RETRY_S)
        self._redis.close()

    def _live(self) -> None:
        while not self._is_closing.is_set():
            if time.monotonic() - self._checked_at_s >= CHECK_EVERY_S:
                self._check()
            is_more = self._send()
            began_s = time.monotonic()
            if self._hear(block_ms=None if is_more else BLOCK_MS):
                self._in_step_at_s = began_s
                self._say(is_down=False)

    def _say(self, *, is_down: bool, why: str = "") -> None:
        if is_down and not self._is_down:
            _log.warning("the cache's Redis doesn't answer (%s): local and exact only", why)
        if self._is_down and not is_down:
            _log.warning("the cache's Redis answers again")
        self._is_down = is_down

    # ---- telling

    def _send(self) -> bool:
        """Send a batch, so that hearing never waits for long; True where there is more."""
        changes = self._outbox.first(N_A_BATCH)
        answers = self._evaluate([(c.script, c.keys, c.args) for c in changes]) if changes else []
        for change, answer in zip(changes, answers, strict=True):
            self._outbox.done(change)
            if isinstance(answer, Exception):
                self._outbox.n_lost += 1
                self._mirror.has_heard(change.hit_id)
                _log.warning("cache write lost: %s", type(answer).__name__)
                continue
            if change.entry is not None and not answer:
                self._mirror.was_refused(change.entry)
            if change.said is not None and not change.said.done():
                change.said.set_result(int(answer))
        return len(self._outbox) > 0

    def _evaluate(self, calls: Sequence[Call]) -> list[Any]:
        """The answers; what Redis refuses is among them as its error, what it may take later is raised."""
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

    def _pipe(self, calls: Sequence[Call]) -> list[Any]:
        pipe = self._redis.pipeline(transaction=False)
        for script, names, args in calls:
            pipe.evalsha(_SHAS[script], len(names), *names, *args)
        answers: list[Any] = pipe.execute(raise_on_error=False)
        return answers

    # ---- hearing

    def _check(self) -> None:
        """Read all anew where Redis lost what it had, or no longer has all that was said since."""
        [opened] = self._evaluate([(scripts.OPEN, (), (secrets.token_hex(8),))])
        if isinstance(opened, Exception):
            raise opened
        epoch, last = opened
        first = self._redis.xrange(keys.LOG, count=1)[0][0]
        if epoch != self._epoch or _order(first) > _order(self._log_at):
            self._in_step_at_s = -1e9
            self._log_at = last
            boot(self._redis, self._mirror, between=self._between)
            self._epoch = epoch
        self._checked_at_s = time.monotonic()

    def _between(self) -> None:
        if self._is_closing.is_set():
            raise ConnectionAbortedError("closing")
        self._send()

    def _hear(self, *, block_ms: int | None) -> bool:
        """Take over what was said since; False where there may be more."""
        read = {keys.LOG: self._log_at, keys.NOTES: self._notes_at}
        began_s = time.monotonic()
        said: dict[bytes, Messages] = dict(self._redis.xread(read, count=N_A_READ, block=block_ms) or ())
        if (
            time.monotonic() - began_s > STALE_AFTER_S
        ):  # this process slept: look first whether the log goes back so far
            self._checked_at_s = 0.0
            return False
        log, notes = said.get(keys.LOG.encode(), []), said.get(keys.NOTES.encode(), [])
        if log:
            self._mirror.apply(log, self._contents(log))
            self._log_at = log[-1][0]
        if notes:
            self._mirror.take_notes(notes)
            self._notes_at = notes[-1][0]
        return max(len(log), len(notes)) < N_A_READ

    def _contents(self, log: Messages) -> list[Content]:
        """For each message: the entry or vector that it is about, as it is now, and where that leads."""
        pipe = self._redis.pipeline(transaction=False)
        wanted = [i for i, (_, m) in enumerate(log) if m[b"o"] in _FIELDS and not self._mirror.is_own(m)]
        for i in wanted:
            message = log[i][1]
            pipe.hmget(keys.entry(message[b"i"].decode()), _FIELDS[message[b"o"]], "a")
        found: list[Content] = [(None, None)] * len(log)
        for i, content in zip(wanted, pipe.execute() if wanted else (), strict=True):
            found[i] = (content[0], content[1])
        return found


def _order(at: bytes) -> tuple[int, int]:
    ms, _, n = at.partition(b"-")
    return int(ms), int(n)


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
        raise ConfigError("the cache's Redis URL is not a redis://, rediss:// or unix:// one") from None
