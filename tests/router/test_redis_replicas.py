"""Many replicas on one ledger, and wells that use it."""

from __future__ import annotations

import asyncio
import multiprocessing
from typing import Any

import pytest

from stepwell import Stepwell
from stepwell.base.config import Config, PromisesConfig
from stepwell.base.errors import BudgetExceeded, ConfigError
from stepwell.router.redis_ledger import RedisLedger
from stepwell.testing import FakeTier
from tests.router.redis_server import ANN, LONG, PATIENT, Server, ledger


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
