"""Dollar promises over a day."""

import asyncio
import contextlib
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.base.config import PromisesConfig
from stepwell.base.errors import BudgetExceeded, ConfigError
from stepwell.base.request import Caller
from stepwell.router.budget import Lease, Ledger

ANN = Caller("acme", "ann")
BOB = Caller("acme", "bob")
EVE = Caller("other", "ann")
DAY_S = 86_400


class Clock:
    def __init__(self) -> None:
        self.now_s = 20_000.0 * DAY_S + DAY_S / 2

    def __call__(self) -> float:
        return self.now_s


def ledger(clock: Clock | None = None, path: str | None = None, **limits: float) -> Ledger:
    return Ledger(PromisesConfig.model_validate(limits), path=path, clock=clock or Clock())


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
    limits: dict[str, float], refused: Caller, budget: str
) -> None:
    held = Ledger(PromisesConfig.model_validate(limits), clock=Clock())
    if budget != "request":
        await held.reserve(ANN, 0.75)
    with pytest.raises(BudgetExceeded) as e:
        await held.reserve(refused, 0.5)
    assert e.value.budget == budget
    assert e.value.remaining_usd == pytest.approx(0.4 if budget == "request" else 0.25)
    assert "ann" not in str(e.value)


async def test_budgets_of_others_are_not_touched() -> None:
    held = ledger(max_usd_per_user_day=1.0)
    await held.reserve(ANN, 1.0)
    await held.reserve(BOB, 1.0)
    await held.reserve(EVE, 1.0)  # another tenant's ann
    await held.reserve(Caller("acme"), 5.0)  # no user is named: no user's budget
    assert held.spent_usd(tenant="acme", user="ann") == 1.0
    assert held.spent_usd() == 8.0


async def test_a_refusal_books_nothing() -> None:
    held = ledger(max_usd_per_user_day=5.0, max_usd_per_day=1.0)
    with pytest.raises(BudgetExceeded):
        await held.reserve(ANN, 2.0)
    assert held.spent_usd() == held.spent_usd(tenant="acme", user="ann") == 0.0


async def test_settling_gives_back_once() -> None:
    held = ledger(max_usd_per_day=1.0)
    lease = await held.reserve(ANN, 1.0)
    await held.settle(lease, 0.25)
    await held.settle(lease, 0.0)
    assert held.spent_usd() == 0.25
    await held.reserve(ANN, 0.75)
    with pytest.raises(BudgetExceeded):
        await held.reserve(ANN, 1e-9)


async def test_a_lease_that_is_never_settled_stays_charged() -> None:
    held = ledger(max_usd_per_day=1.0)
    await held.reserve(ANN, 1.0)
    with pytest.raises(BudgetExceeded):
        await held.reserve(ANN, 0.1)


async def test_free_work_goes_on_where_the_money_is_gone() -> None:
    held = ledger(max_usd_per_day=1.0)
    await held.reserve(ANN, 1.0)
    await held.settle(await held.reserve(ANN, 0.0), 0.0)
    assert held.spent_usd() == 1.0


@pytest.mark.parametrize("usd", [-1.0, float("nan")])
async def test_a_reservation_is_a_sum(usd: float) -> None:
    with pytest.raises(ValueError):
        await ledger().reserve(ANN, usd)


@pytest.mark.parametrize("stored", [False, True])
async def test_a_day_ends_at_midnight_utc(stored: bool, tmp_path: Path) -> None:
    clock = Clock()
    held = ledger(clock, str(tmp_path / "spend.db") if stored else None, max_usd_per_day=1.0)
    late = await held.reserve(ANN, 1.0)
    clock.now_s += DAY_S / 2
    assert held.spent_usd() == 0.0
    today = await held.reserve(ANN, 1.0)
    await held.settle(late, 0.5)  # belongs to yesterday
    assert held.spent_usd() == 1.0
    await held.settle(today, 1.0)
    clock.now_s -= DAY_S  # a clock set back opens no closed day
    with pytest.raises(BudgetExceeded):
        await held.reserve(ANN, 0.1)
    await held.close()


async def test_a_restart_keeps_the_day_and_the_file_names_nobody(tmp_path: Path) -> None:
    path = tmp_path / "spend.db"
    first = ledger(path=str(path), max_usd_per_user_day=1.0, max_usd_per_day=1.0)
    await first.reserve(Caller("acme", "canary-user"), 0.75)
    await first.close()
    second = ledger(path=str(path), max_usd_per_day=1.0)
    assert second.spent_usd() == 0.75
    with pytest.raises(BudgetExceeded):
        await second.reserve(BOB, 0.5)
    await second.close()
    held = [p.read_bytes() for p in tmp_path.iterdir()]  # noqa: ASYNC240
    assert b"canary-user" not in b"".join(held)


async def test_two_processes_share_one_file(tmp_path: Path) -> None:
    one = ledger(path=str(tmp_path / "spend.db"), max_usd_per_day=1.0)
    two = ledger(path=str(tmp_path / "spend.db"), max_usd_per_day=1.0)
    await one.reserve(ANN, 0.6)
    with pytest.raises(BudgetExceeded):
        await two.reserve(BOB, 0.6)
    await one.close()
    await two.close()


async def test_a_broken_file_stops_paid_work_and_keeps_answers(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        ledger(path=str(tmp_path))
    held = ledger(path=str(tmp_path / "spend.db"), max_usd_per_day=1.0)
    lease = await held.reserve(ANN, 0.5)
    await held.close()
    await held.settle(lease, 0.1)
    with pytest.raises(BudgetExceeded) as e:
        await held.reserve(ANN, 0.1)
    assert e.value.budget == "ledger"
    await held.reserve(ANN, 0.0)


@pytest.mark.parametrize("stored", [False, True])
def test_threads_never_overspend(stored: bool, tmp_path: Path) -> None:
    held = ledger(path=str(tmp_path / "spend.db") if stored else None, max_usd_per_day=1.0)
    admitted: list[float] = []

    async def work() -> None:
        for _ in range(40):
            try:
                lease = await held.reserve(ANN, 0.02)
            except BudgetExceeded:
                continue
            await held.settle(lease, 0.015)
            admitted.append(0.015)

    threads = [threading.Thread(target=asyncio.run, args=(work(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(admitted) <= 1.0 + 1e-9
    assert held.spent_usd() == pytest.approx(sum(admitted))
    assert sum(admitted) > 1.0 - 0.02
    asyncio.run(held.close())


usd = st.floats(0, 2, allow_nan=False)
steps = st.lists(
    st.tuples(
        st.sampled_from([ANN, BOB, EVE, Caller()]), usd, st.floats(0, 1), st.integers(0, 20), st.booleans()
    ),
    max_size=60,
)


@given(steps, st.floats(0.1, 3), st.floats(0.1, 3), st.floats(0.1, 3))
@settings(max_examples=200, deadline=None)
def test_nobody_overspends_however_calls_interleave(
    calls: list[tuple[Caller, float, float, int, bool]], user: float, tenant: float, day: float
) -> None:
    held = ledger(max_usd_per_user_day=user, max_usd_per_tenant_day=tenant, max_usd_per_day=day)
    open_: list[tuple[Lease, Caller, float]] = []
    spent: dict[Caller, float] = {}

    async def settle(lease: Lease, caller: Caller, actual: float) -> None:
        await held.settle(lease, actual)
        await held.settle(lease, 0.0)
        spent[caller] = spent.get(caller, 0.0) + actual

    async def play() -> None:
        for caller, bound, share, at, settles in calls:
            with contextlib.suppress(BudgetExceeded):
                open_.append((await held.reserve(caller, bound), caller, bound * share))
            if settles and open_:
                await settle(*open_.pop(at % len(open_)))
        for each in open_:
            await settle(*each)

    asyncio.run(play())
    slack = 1e-9 * len(calls)
    assert sum(spent.values()) <= day + slack
    assert spent.get(ANN, 0) <= user + slack
    assert spent.get(ANN, 0) + spent.get(BOB, 0) <= tenant + slack
    assert held.spent_usd() == pytest.approx(sum(spent.values()), abs=2 * slack + 1e-12)
