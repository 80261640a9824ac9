"""Dollar promises over all replicas: one ledger in Redis (or Valkey)."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b, sha1

from stepwell.base.config.promises import PromisesConfig
from stepwell.base.errors import ConfigError
from stepwell.base.request import Caller
from stepwell.router.budget import NO_LEASE, Lease
from stepwell.router.deadline import Deadline
from stepwell.router.limits import NANO, Account, Limits, account_of, day_exceeded, no_ledger, up
from stepwell.router.redis_scripts import Keeps, Scripts

MAX_NANO_USD = 2**53
_PREFIX = "{stepwell-budget}"
_MAX_UNSETTLED = 10_000
_N_TRIES = 3  # a new day may begin, and Redis may come back empty, between two of them


@dataclass(slots=True)
class _Day:
    """The day as Redis counts it."""

    number: int
    salt: bytes
    seen_nano_usd: dict[str, int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{_PREFIX}:{self.number}"

    @property
    def mark(self) -> str:
        """Tells salts apart, without the salt."""
        return sha1(self.salt, usedforsecurity=False).hexdigest()

    def see(self, lease: Lease, sums: Sequence[int]) -> None:
        """Keep the sums that Redis told; it tells none where it booked nothing."""
        self.seen_nano_usd.update(zip((name for (name,) in lease.accounts), map(int, sums), strict=False))

    def name(self, account: Account) -> str:
        """Names nobody: a hash under the day's salt. All that have one kind of name keep its first letter."""
        if account == ("day",):
            return "day"
        text = "\0".join(account).encode("utf-8", "surrogatepass")
        return f"{account[0][0]}:{blake2b(text, key=self.salt, digest_size=16).hexdigest()}"


class RedisLedger:
    """Keeps the dollar promises of all replicas that share one Redis; a `Budget`. One event loop only.

    A lease that nobody settles stays charged in full. Where Redis doesn't answer in time, no money is spent.

    Args:
        url: redis://, rediss:// or unix://; its query may set redis-py's own options, as max_connections, or
            socket_timeout: the longest wait for Redis, in s, all in all.
        lease_ttl_s: Must outlive the longest call: what is settled later gives nothing back.
        day_s: Length of a day; tests make it short.

    Raises:
        ConfigError: No Redis URL, or a budget too large to count.
    """

    def __init__(
        self, promises: PromisesConfig, url: str, *, lease_ttl_s: float = 900.0, day_s: int = 86_400
    ) -> None:
        self._limits = Limits(promises)
        if self._limits.max_nano_usd >= MAX_NANO_USD:
            raise ConfigError(f"a budget in Redis can hold ${MAX_NANO_USD // NANO:,} a day at most")
        self._redis = Scripts(url)
        self._lease_ttl_ms = int(lease_ttl_s * 1000)
        self._day_ms = day_s * 1000
        self._day: _Day | None = None
        self._opening = asyncio.Lock()
        self._ahead_ms = (time.time() - time.monotonic()) * 1000  # Redis' clock over our monotonic one
        self._unsettled: deque[tuple[Lease, int]] = deque(maxlen=_MAX_UNSETTLED)
        self._tasks: set[asyncio.Task[None]] = set()

    async def reserve(self, caller: Caller, usd: float) -> Lease:
        """As Budget says; "ledger" where a budget is set and Redis doesn't answer. Free work asks nobody."""
        self._limits.check_request(usd)
        if not up(usd):
            return NO_LEASE
        booking = asyncio.create_task(self._book(self._limits.accounts(caller), usd))
        try:
            return await asyncio.shield(booking)
        except asyncio.CancelledError:  # nobody is left to settle it
            booking.add_done_callback(self._give_back)
            raise

    async def settle(self, lease: Lease, usd: float) -> None:
        """As Budget says. Goes on where the caller is cancelled; what Redis doesn't hear is told it later."""
        if lease.accounts:
            await asyncio.shield(self._spawn(self._replace(lease, up(max(usd, 0.0)))))

    def spent_usd(self, *, tenant: str | None = None, user: str | None = None) -> float:
        """Charged today by all replicas, when Redis last told this one; `fetch_spent_usd` asks it."""
        day = self._day
        return day.seen_nano_usd.get(day.name(account_of(tenant, user)), 0) / NANO if day is not None else 0.0

    async def fetch_spent_usd(self, *, tenant: str | None = None, user: str | None = None) -> float:
        """Charged today by all replicas, open reservations included.

        Raises:
            BudgetExceeded: "ledger": Redis doesn't answer.
        """
        try:
            with Deadline(self._redis.timeout_s):
                day = await self._open_day(self._day)
                return int(await self._redis.field(day.key, day.name(account_of(tenant, user))) or 0) / NANO
        except self._redis.errors as e:
            raise no_ledger(f"can't be read ({type(e).__name__})") from e

    async def keeps(self) -> Keeps:
        """What this Redis does to keep the sums.

        Raises:
            BudgetExceeded: "ledger": Redis doesn't answer.
        """
        try:
            with Deadline(self._redis.timeout_s):
                return await self._redis.keeps()
        except self._redis.errors as e:
            raise no_ledger(f"can't be read ({type(e).__name__})") from e

    async def close(self) -> None:
        """Tell Redis what it has not heard yet, and let go of the connections."""
        self._catch_up()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.close()

    # ---- booking

    async def _book(self, accounts: tuple[Account, ...], usd: float) -> Lease:
        began_s = time.monotonic()
        lease = Lease(secrets.randbits(96), 0, up(usd), ())
        try:
            with Deadline(self._redis.timeout_s):
                for _ in range(_N_TRIES):
                    day = self._day or await self._open_day()
                    names = tuple((day.name(a),) for a in accounts)
                    lease = Lease(lease.id, day.number, lease.n_nano_usd, names)
                    status = await self._hold(day, lease, accounts, usd, began_s)
                    if status == b"held":
                        self._catch_up()
                        return lease
                    if status == b"stale":
                        await self._open_day(day)
        except self._redis.errors as e:
            return self._unheard(lease, type(e).__name__, e)
        return self._unheard(lease, "too late", None)

    async def _hold(
        self, day: _Day, lease: Lease, accounts: tuple[Account, ...], usd: float, began_s: float
    ) -> bytes:
        """ "held", "stale" where Redis has another day or salt, or "late" where its clock is past the wait."""
        until_ms = int(began_s * 1000 + self._ahead_ms + self._redis.timeout_s * 1000)
        args: list[str | int] = [
            day.number,
            self._day_ms,
            until_ms,
            day.mark,
            self._lease_ttl_ms,
            lease.n_nano_usd,
        ]
        limits = (self._limits.nano_usd(a) for a in accounts)
        for (name,), limit in zip(lease.accounts, limits, strict=True):
            args += [name, "" if limit is None else limit]
        sent_s = time.monotonic()
        status, now_ms, *rest = await self._redis.reserve([day.key, _lease_key(lease)], args)
        self._hear(int(now_ms), sent_s)
        if status == b"full":
            raise day_exceeded(accounts[int(rest[0])], usd, int(rest[1]))
        day.see(lease, rest)
        return bytes(status)

    def _unheard(self, lease: Lease, why: str, cause: Exception | None) -> Lease:
        if lease.accounts:  # Redis may have booked it all the same
            self._spawn(self._replace(lease, 0))
        if not self._limits.has_days:
            return NO_LEASE
        raise no_ledger(f"in Redis doesn't answer ({why})") from cause

    def _give_back(self, booking: asyncio.Task[Lease]) -> None:
        if not booking.cancelled() and booking.exception() is None:
            self._spawn(self._replace(booking.result(), 0))

    # ---- settling

    async def _replace(self, lease: Lease, n_nano_usd: int) -> None:
        if not lease.accounts:
            return
        names = [name for (name,) in lease.accounts]
        keys = [f"{_PREFIX}:{lease.day}", _lease_key(lease)]
        try:
            with Deadline(self._redis.timeout_s):
                sums = await self._redis.settle(keys, [n_nano_usd - lease.n_nano_usd, *names])
        except self._redis.errors:
            # the answer is there and must not fail; what was reserved stays charged till Redis is back
            self._unsettled.append((lease, n_nano_usd))
            return
        if self._day is not None and self._day.number == lease.day:
            self._day.see(lease, sums)

    def _catch_up(self) -> None:
        while self._unsettled:
            self._spawn(self._replace(*self._unsettled.popleft()))

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # ---- the day

    async def _open_day(self, stale: _Day | None = None) -> _Day:
        """The day that counts now; those who come at once ask once."""
        async with self._opening:
            if self._day is None or self._day is stale:
                self._day = await self._ask_day()
            return self._day

    async def _ask_day(self) -> _Day:
        number = int(time.monotonic() * 1000 + self._ahead_ms) // self._day_ms
        while True:
            sent_s = time.monotonic()
            keys = [f"{_PREFIX}:{number}"]
            salt, now_ms = await self._redis.open(keys, [number, self._day_ms, secrets.token_hex(16)])
            self._hear(int(now_ms), sent_s)
            if salt:
                break
            number = int(now_ms) // self._day_ms
        known = self._day
        if known is not None and (known.number, known.salt) == (number, salt):
            return known
        return _Day(number, salt)

    def _hear(self, now_ms: int, sent_s: float) -> None:
        """Redis read its clock between `sent_s` and now: keep the difference within that."""
        least, most = now_ms - time.monotonic() * 1000, now_ms + 1 - sent_s * 1000
        self._ahead_ms = min(max(self._ahead_ms, least), most)


def _lease_key(lease: Lease) -> str:
    return f"{_PREFIX}:lease:{lease.id:024x}"
