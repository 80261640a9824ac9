"""The log of conversations in a Redis (or Valkey) that replicas share."""

from __future__ import annotations

import asyncio
import secrets
import time
import weakref
from collections.abc import Callable, Sequence

import msgspec

from stepwell.base.errors import StoreUnavailable
from stepwell.memory.context.log import redis_scripts as scripts
from stepwell.memory.context.log.erasures import KEPT_S, erasure, erasures_of
from stepwell.memory.context.log.lane import Answer, Arg, Lane, NoAnswer
from stepwell.memory.context.log.log import NO_PAST, Listed, Name, NewTurn, Past, Pin, Summary, Turn
from stepwell.memory.context.log.names import to_bytes, to_text
from stepwell.memory.context.log.redis_keys import Keys, Places, mark
from stepwell.memory.context.log.refusals import begun, check_times, erased, foreign

_MAX_ROWS = 1000  # a read
_MAX_BYTES = 4 << 20
_N_A_PAGE = 500
_N_AN_ERASE = 100  # conversations; Redis serves nobody else meanwhile
_N_TRIES = 5  # a conversation may be erased and begun anew between two reads

_Row = tuple[float, bytes, bytes, bool]
_Gist = tuple[bytes, int, str, int]


class RedisLog:
    """A `ConversationLog` in Redis, which is the truth: a replica reads another's turns at once.

    What `append` has returned is as safe as Redis keeps it (appendonly yes, maxmemory-policy noeviction). Where Redis
    doesn't answer within the timeout, StoreUnavailable: what was to be written may be there, whole, or not at all.
    It reconnects by itself. Any thread and any event loop may call.

    Args:
        timeout_s: Longest wait for Redis, for each of its answers.

    Raises:
        ConfigError: No Redis URL.
    """

    def __init__(self, url: str, *, timeout_s: float = 1.0) -> None:
        self._timeout_s = timeout_s
        self._keep_ms = int(2000 * timeout_s) + 1000
        # a long conversation that is read must not hold up what is written
        self._reads = Lane(url, name="reads", timeout_s=timeout_s)
        self._writes = Lane(url, name="writes", timeout_s=timeout_s)
        self._close = weakref.finalize(self, _close, (self._writes, self._reads))

    # ---- reading

    async def read(self, name: Name, *, after: int = -1) -> Past:
        """As ConversationLog says."""
        places, first = Places(name), max(after + 1, 0)
        for _ in range(_N_TRIES):
            past = await self._read(places, to_bytes(name.user), first)
            if past is not None:
                return past
        raise StoreUnavailable("the conversation is erased and begun anew faster than it can be read")

    async def _read(self, places: Places, user: bytes, first: int) -> Past | None:
        """None where the conversation was erased under the reader's eyes."""
        epoch, turns = b"", list[Turn]()
        while True:
            at = first + len(turns)
            args: list[Arg] = [user, epoch, at, _MAX_ROWS, _MAX_BYTES]
            said = await self._ask(self._reads, scripts.READ, places.all_of, args)
            if said[0] in (b"none", b"anew"):
                return None if epoch else NO_PAST
            _, _, epoch, n_turns, gist, pins, rows, marks = said
            turns += [_turn(at + i, row, marks[i]) for i, row in enumerate(rows)]
            if first + len(turns) >= int(n_turns):
                return Past(int(epoch), int(n_turns), tuple(turns), _pins(pins), _summary(gist))

    async def list(self, *, tenant: str, user: str | None = None, limit: int = 100) -> list[Listed]:
        """As ConversationLog says."""
        keys = Keys(tenant)
        found = dict[bytes, Listed]()
        for first in range(0, limit, _N_A_PAGE):
            last = min(first + _N_A_PAGE, limit) - 1
            where = keys.all if user is None else keys.user(user)
            said = await self._ask(self._reads, scripts.LIST, [where], [first, last, keys.prefix])
            found |= {row[0]: _listed(tenant, *row[1:]) for row in said[2]}
            if last + 1 >= said[3]:
                break
        return [*found.values()]

    # ---- writing

    async def append(
        self, name: Name, turns: Sequence[NewTurn], *, epoch: int, since_s: float | None = None
    ) -> Past:
        """As ConversationLog says.

        Args:
            since_s: Unix time at which they were asked: where an erasure has named the conversation since, it is not
                begun.
        """
        check_times(turns)
        rows = [msgspec.msgpack.encode((float(t.at_s), t.guarded, t.raw, t.is_lead)) for t in turns]
        times = [float(t.at_s) for t in turns] or [0.0]
        asked_s = "" if since_s is None else repr(float(since_s))
        args: list[Arg] = [str(epoch), repr(max(times)), asked_s, *rows]
        erasures = erasures_of(name) if asked_s and not epoch else ()
        said = await self._change(scripts.APPEND, name, args, at_s=times[0], erasures=erasures)
        epoch, n_turns = map(int, said[2].split())
        first = n_turns - len(turns)
        added = (Turn.of(first + i, turn) for i, turn in enumerate(turns))
        return Past(epoch, n_turns, tuple(added))

    def keep_marks(self, name: Name, marks: Sequence[tuple[int, bytes]], *, epoch: int) -> None:
        """As ConversationLog says."""
        places = Places(name)
        args = [arg for seq, mark in marks if seq >= 0 for arg in (seq, mark)]
        if args:
            self._writes.ask(scripts.MARKS, [places.head, places.marks], [str(epoch), *args])

    def keep_summary(self, name: Name, summary: Summary, *, epoch: int) -> None:
        """As ConversationLog says."""
        s = summary
        gist = msgspec.msgpack.encode((to_bytes(s.text), s.upto, s.by, s.n_read_tokens))
        self._writes.ask(scripts.SUMMARY, [Places(name).head], [str(epoch), s.upto, gist])

    async def pin(self, name: Name, text: str) -> Pin:
        """As ConversationLog says; begins the conversation where there is none yet."""
        made = Pin(secrets.token_hex(8), text)
        await self._change(scripts.PIN, name, [made.id, to_bytes(text)], at_s=time.time())
        return made

    async def unpin(self, name: Name, pin_id: str) -> bool:
        """As ConversationLog says."""
        places = Places(name)
        keys = [places.keys.done(), places.head, places.pins]
        args: list[Arg] = [self._keep_ms, to_bytes(name.user), to_bytes(pin_id)]
        said = await self._ask(self._writes, scripts.UNPIN, keys, args)
        return bool(said[2] == b"1")

    async def erase(self, *, tenant: str, user: str | None = None, id: str | None = None) -> int:
        """As ConversationLog says. What was begun after the call stays."""
        keys = Keys(tenant)
        marks = await self._erasing(keys, tenant, user, id)
        n_gone = 0
        for first in range(0, len(marks), _N_AN_ERASE):
            some = marks[first : first + _N_AN_ERASE]
            args: list[Arg] = [self._keep_ms, keys.prefix, "" if user is None else mark(user), *some]
            said = await self._ask(self._writes, scripts.ERASE, [keys.done(), keys.all], args)
            n_gone += int(said[2])
        return n_gone

    async def close(self) -> None:
        """Write what is queued and let go of Redis."""
        await asyncio.to_thread(self._close)

    # ----

    async def _erasing(self, keys: Keys, tenant: str, user: str | None, id: str | None) -> Sequence[str]:
        """Say that it is erased, so that nobody begins it; the marks of what may have to go."""
        where = keys.all if user is None else keys.user(user)
        names = [keys.erased(erasure(tenant, user, id)), where]
        # over the lane of writes: after all that was sent so far
        args: list[Arg] = [repr(time.time()), KEPT_S, 0 if id is not None else -1]
        said = await self._ask(self._writes, scripts.ERASING, names, args)
        return [mark(id)] if id is not None else [found.decode() for found in said[2]]

    async def _change(
        self, script: str, name: Name, args: Sequence[Arg], *, at_s: float, erasures: Sequence[bytes] = ()
    ) -> Answer:
        """A change that begins the conversation where there is none."""
        places, epoch = Places(name), secrets.randbits(62) + 1
        keys = [places.keys.done(), *places.all_of, places.keys.all, places.keys.user(name.user)]
        keys += [places.keys.erased(each) for each in erasures]
        user = (to_bytes(name.user), mark(name.user))
        named: list[Arg] = [*user, to_bytes(name.id), places.mark, str(epoch), repr(at_s)]
        return await self._ask(self._writes, script, keys, [self._keep_ms, *named, *args])

    async def _ask(self, lane: Lane, script: str, keys: Sequence[str], args: Sequence[Arg]) -> Answer:
        """The answer, unless it is a refusal."""
        from redis.exceptions import RedisError

        try:
            async with asyncio.timeout(self._timeout_s):
                said = await asyncio.wrap_future(lane.ask(script, keys, args))
        except (RedisError, OSError, NoAnswer, TimeoutError) as e:
            why = type(e).__name__
            raise StoreUnavailable(f"the Redis of conversations doesn't answer ({why})") from e
        if said[0] in _REFUSALS:
            raise _REFUSALS[said[0]]()
        return said


def _lost() -> StoreUnavailable:
    return StoreUnavailable("Redis has lost turns of the conversation (is its maxmemory-policy noeviction?)")


_REFUSALS: dict[bytes, Callable[[], Exception]] = {
    b"foreign": foreign,
    b"erased": erased,
    b"begun": begun,
    b"lost": _lost,
}


def _turn(seq: int, row: bytes, mark: bytes) -> Turn:
    at_s, guarded, raw, is_lead = msgspec.msgpack.decode(row, type=_Row)
    return Turn(seq, raw, at_s, guarded, mark, is_lead)


def _pins(found: Sequence[bytes]) -> tuple[Pin, ...]:
    """From a hash's names and values, in the order in which they were pinned."""
    split = ((id, *value.split(b":", 1)) for id, value in zip(found[::2], found[1::2], strict=True))
    return tuple(Pin(id.decode(), to_text(text)) for id, _, text in sorted(split, key=lambda p: int(p[1])))


def _summary(gist: bytes) -> Summary | None:
    if not gist:
        return None
    text, upto, by, n_read_tokens = msgspec.msgpack.decode(gist, type=_Gist)
    return Summary(to_text(text), upto, by, n_read_tokens)


def _listed(tenant: str, id: bytes, user: bytes, n_turns: bytes, began_s: bytes, last_s: bytes) -> Listed:
    return Listed(Name(to_text(id), tenant, to_text(user)), int(n_turns), float(began_s), float(last_s))


def _close(lanes: Sequence[Lane]) -> None:
    for lane in lanes:
        lane.close()
