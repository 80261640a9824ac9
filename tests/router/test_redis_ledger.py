"""One ledger in Redis, call by call."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import suppress

import pytest
import redis

from stepwell.base.config import PromisesConfig
from stepwell.base.errors import BudgetExceeded
from stepwell.base.request import Caller
from stepwell.router.redis_ledger import RedisLedger
from tests.router.redis_server import ANN, Server, ledger

BOB = Caller("acme", "bob")
EVE = Caller("other", "ann")


@pytest.mark.parametrize(
    ("limits", "refused", "budget"),
    [
        ({"max_usd_per_request": 0.4}, ANN, "request"),
        ({"max_usd_per_user_day": 1.0}, ANN, "user_day"),
        ({"max_usd_per_tenant_day": 1.0}, BOB, "tenant_day"),
        ({"max_usd_per_day": 1.0}, EVE, "day"),
    ],
)
async def test_the_error_names_the_budget_and_what_is_left(
    server: Server, limits: dict[str, float], refused: Caller, budget: str
) -> None:
    async with ledger(server, limits) as one, ledger(server, limits) as two:
        if budget != "request":
            await one.reserve(ANN, 0.75)
        with pytest.raises(BudgetExceeded) as e:
            await two.reserve(refused, 0.5)
        assert e.value.budget == budget
        assert e.value.remaining_usd == pytest.approx(0.4 if budget == "request" else 0.25)


async def test_all_accounts_are_charged_or_none(server: Server) -> None:
    limits = {"max_usd_per_user_day": 5.0, "max_usd_per_tenant_day": 3.0, "max_usd_per_day": 1.0}
    async with ledger(server, limits) as held:
        with pytest.raises(BudgetExceeded):
            await held.reserve(ANN, 2.0)
        assert await held.fetch_spent_usd() == await held.fetch_spent_usd(tenant="acme", user="ann") == 0
        await held.reserve(ANN, 0.5)
        for account in ({}, {"tenant": "acme"}, {"tenant": "acme", "user": "ann"}):
            assert await held.fetch_spent_usd(**account) == held.spent_usd(**account) == 0.5
        assert await held.fetch_spent_usd(tenant="other", user="ann") == 0


async def test_settling_gives_back_once(server: Server) -> None:
    async with ledger(server, max_usd_per_day=1.0) as held:
        lease = await held.reserve(ANN, 1.0)
        await asyncio.gather(*(held.settle(lease, 0.25) for _ in range(5)))
        await held.settle(lease, 0.0)
        assert await held.fetch_spent_usd() == held.spent_usd() == 0.25
        await held.reserve(ANN, 0.75)
        with pytest.raises(BudgetExceeded):
            await held.reserve(ANN, 1e-9)


async def test_an_expired_lease_stays_charged_in_full(server: Server) -> None:
    async with ledger(server, max_usd_per_day=1.0, lease_ttl_s=0.05) as held:
        lease = await held.reserve(ANN, 0.75)
        await asyncio.sleep(0.2)
        await held.settle(lease, 0.0)
        assert await held.fetch_spent_usd() == 0.75


async def test_a_cancelled_caller_holds_nothing_and_a_cancelled_settle_settles(server: Server) -> None:
    async with ledger(server, max_usd_per_day=1.0) as held:
        for n_steps in range(8):
            task = asyncio.create_task(held.reserve(ANN, 0.5))
            for _ in range(n_steps):
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await asyncio.sleep(0.02)
        await _until(held, 0.0)
        lease = await held.reserve(ANN, 1.0)
        settling = asyncio.create_task(held.settle(lease, 0.25))
        await asyncio.sleep(0)
        settling.cancel()
        await _until(held, 0.25)


async def _until(held: RedisLedger, usd: float) -> None:
    async with asyncio.timeout(10):
        while await held.fetch_spent_usd() != usd:  # noqa: ASYNC110 - it is Redis that is waited for
            await asyncio.sleep(0.01)


async def test_a_new_day_begins_by_the_clock_of_redis(server: Server) -> None:
    async with ledger(server, day_s=2, max_usd_per_day=1.0) as held, ledger(server, day_s=2) as other:
        await asyncio.sleep(2 - time.time() % 2 + 0.1)
        late = await held.reserve(ANN, 1.0)
        with pytest.raises(BudgetExceeded):
            await held.reserve(ANN, 1.0)
        await asyncio.sleep(2)
        today = await held.reserve(ANN, 1.0)
        assert today.day == late.day + 1
        await held.settle(late, 0.5)  # belongs to yesterday
        assert await other.fetch_spent_usd() == 1.0


async def test_what_redis_holds_names_nobody_and_ends(server: Server) -> None:
    limits = {"max_usd_per_user_day": 1.0, "max_usd_per_tenant_day": 1.0}
    async with ledger(server, limits) as held:
        await held.reserve(Caller("canary-tenant", "canary-user"), 0.5)
    with redis.Redis(port=server.port) as client:
        keys = list(client.scan_iter())
        assert keys
        for key in keys:
            assert key.startswith(b"{stepwell-budget}:")
            assert client.ttl(key) > 0
        assert b"canary" not in b"".join([*keys, *(client.dump(key) for key in keys)])


async def test_a_restart_of_redis_keeps_the_day(server: Server) -> None:
    async with ledger(server, max_usd_per_day=1.0) as held:
        lease = await held.reserve(ANN, 0.75)
        server.stop()
        with pytest.raises(BudgetExceeded) as e:
            await held.reserve(ANN, 0.1)
        assert e.value.budget == "ledger"
        await held.settle(lease, 0.25)  # unheard
        server.start()
        assert await held.fetch_spent_usd() == 0.75
        await held.reserve(ANN, 0.1)  # Redis is back: told now
        await _until(held, 0.35)
        assert (await held.keeps()).outlives_restart


async def test_a_redis_that_comes_back_empty_is_counted_on(server: Server) -> None:
    async with ledger(server, max_usd_per_day=1.0) as held:
        await held.reserve(ANN, 0.75)
        with redis.Redis(port=server.port) as client:
            client.flushall()
            client.script_flush()
        await held.reserve(ANN, 0.5)
        assert await held.fetch_spent_usd() == 0.5


async def test_a_frozen_redis_stops_paid_work_and_books_nothing_late(server: Server) -> None:
    async with ledger(server, query="", max_usd_per_day=1.0) as held:
        await held.settle(await held.reserve(ANN, 0.5), 0.25)
        server.signal(signal.SIGSTOP)
        try:
            began_s = time.monotonic()
            said = await asyncio.gather(*(held.reserve(ANN, 0.1) for _ in range(80)), return_exceptions=True)
            took_s = time.monotonic() - began_s
            free = await held.reserve(ANN, 0.0)
            await held.settle(free, 0.0)
        finally:
            server.signal(signal.SIGCONT)
        assert {e.budget for e in said if isinstance(e, BudgetExceeded)} == {"ledger"}
        assert sum(isinstance(e, BudgetExceeded) for e in said) == 80
        assert took_s < 2  # redis-py's own retries take 6 s
        await asyncio.sleep(0.5)
    async with ledger(server) as other:
        assert await other.fetch_spent_usd() == 0.25


async def test_only_a_set_budget_needs_redis(server: Server) -> None:
    async with ledger(server, {"max_usd_per_request": 1.0}, query="") as held:
        await held.reserve(ANN, 0.5)
        assert await held.fetch_spent_usd() == 0.5
        server.stop()
        await held.settle(await held.reserve(ANN, 0.5), 0.5)


async def test_a_ledger_outside_a_loop_is_made_and_closed() -> None:
    held = RedisLedger(PromisesConfig(), "redis://127.0.0.1:1")
    assert held.spent_usd() == 0.0
    await held.close()
