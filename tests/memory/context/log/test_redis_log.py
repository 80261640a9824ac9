"""The log in Redis: what may happen to Redis, and what replicas see of each other."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis

from stepwell.base.errors import ConfigError, ConversationErased, ForeignConversation, StoreUnavailable
from stepwell.memory.context.log import lane, redis_log
from stepwell.memory.context.log.log import NO_PAST, Name, NewTurn, Summary
from stepwell.memory.context.log.redis_log import RedisLog
from tests.router.redis_server import Server

ANN = Name("c1", "acme", "ann")
PATIENT_S = 20.0  # a busy test machine is not a dead Redis


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(server: Server) -> Iterator[redis.Redis]:
    with redis.Redis(port=server.port) as client:
        client.flushall()
        yield client


@pytest.fixture
async def log(server: Server, client: redis.Redis) -> AsyncIterator[RedisLog]:
    made = RedisLog(server.url, timeout_s=PATIENT_S)
    yield made
    await made.close()


def keys(client: redis.Redis, pattern: str = "*") -> list[str]:
    found: Any = client.keys(pattern)
    return [key.decode() for key in found]


def new(*texts: str) -> list[NewTurn]:
    return [NewTurn(text.encode(), 1.0) for text in texts]


async def texts(log: RedisLog, name: Name = ANN) -> list[bytes]:
    return [t.raw for t in (await log.read(name)).turns]


async def test_a_replica_sees_anothers_turns_on_its_next_read(log: RedisLog, server: Server) -> None:
    other = RedisLog(server.url, timeout_s=PATIENT_S)
    epoch = (await log.append(ANN, new("1"), epoch=0)).epoch
    for n in range(2, 20):
        one, two = (log, other) if n % 2 else (other, log)
        await one.append(ANN, new(str(n)), epoch=epoch)
        assert (await two.read(ANN)).n_turns == n
    said = await asyncio.gather(*(each.append(ANN, new("a", "b"), epoch=epoch) for each in (log, other) * 10))
    assert sorted(s.turns[0].seq for s in said) == [*range(19, 59, 2)]
    assert await other.erase(tenant="acme", user="ann") == 1
    with pytest.raises(ConversationErased):
        await log.append(ANN, new("late"), epoch=epoch)
    await other.close()


async def test_no_name_and_no_text_is_in_a_key_or_an_error(log: RedisLog, client: redis.Redis) -> None:
    name = Name("SECRET-ID", "SECRET-TENANT", "SECRET-USER")
    epoch = (await log.append(name, new("SECRET-TEXT"), epoch=0)).epoch
    log.keep_marks(name, [(0, b"m")], epoch=epoch)
    log.keep_summary(name, Summary("SECRET", 1, "extract"), epoch=epoch)
    pin = await log.pin(name, "SECRET-PIN")
    await log.unpin(name, pin.id)
    found = keys(client)
    assert len(found) >= 5
    assert not [key for key in found if "secret" in key.lower()]
    assert len({key.split("}")[0] for key in found}) == 1  # one slot of a cluster
    for wrong in (Name(name.id, name.tenant, "SECRET-OTHER"), name):
        with pytest.raises((ForeignConversation, ConversationErased)) as caught:
            await log.append(wrong, new("SECRET"), epoch=epoch + 1)
        assert "SECRET" not in str(caught.value)


async def test_erased_is_gone_from_redis(log: RedisLog, client: redis.Redis) -> None:
    epoch = (await log.append(ANN, new("hi"), epoch=0)).epoch
    log.keep_marks(ANN, [(0, b"m")], epoch=epoch)
    await log.pin(ANN, "p")
    assert await log.erase(tenant="acme", id="c1") == 1
    # left: answers that a broken connection may ask for again, and the print of the erasure
    assert {key.split(":")[3] for key in keys(client)} == {"d", "z"}
    assert all(0 < client.ttl(key) <= (86_400 if ":z:" in key else 2 * PATIENT_S + 1) for key in keys(client))


async def test_redis_may_come_later_and_come_back(tmp_path: Path) -> None:
    server = Server(tmp_path)
    log = RedisLog(server.url, timeout_s=0.05)
    for call in (
        log.read(ANN),
        log.append(ANN, new("x"), epoch=0),
        log.erase(tenant="acme"),
        log.pin(ANN, "x"),
    ):
        with pytest.raises(StoreUnavailable, match="doesn't answer"):
            await call
    log.keep_marks(ANN, [(0, b"m")], epoch=1)
    await log.close()
    log = RedisLog(server.url, timeout_s=PATIENT_S)
    early = asyncio.create_task(log.append(ANN, new("early"), epoch=0))  # still waits when Redis is there
    await asyncio.sleep(0.05)
    try:
        await asyncio.to_thread(server.start)
        epoch = (await early).epoch
        for n in range(3):
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            await log.append(ANN, new(str(n)), epoch=epoch)
        assert await texts(log) == [b"early", b"0", b"1", b"2"]
        await log.close()
    finally:
        server.stop()


async def test_a_frozen_redis_holds_nobody_up_and_does_nothing_afterwards(
    server: Server, client: redis.Redis
) -> None:
    patient, log = RedisLog(server.url, timeout_s=PATIENT_S), RedisLog(server.url, timeout_s=0.2)
    epoch = (await patient.append(ANN, new("before"), epoch=0)).epoch
    with suppress(StoreUnavailable):  # makes its connections
        await log.read(ANN)
        await log.unpin(ANN, "none")
    server.signal(signal.SIGSTOP)
    try:
        calls = [log.append(ANN, new(f"frozen {n}"), epoch=epoch) for n in range(20)]
        said = await asyncio.gather(*calls, log.read(ANN), log.erase(tenant="acme"), return_exceptions=True)
    finally:
        server.signal(signal.SIGCONT)
    assert {type(s) for s in said} == {StoreUnavailable}
    await patient.append(ANN, new("after"), epoch=epoch)
    assert await texts(patient) == [b"before", b"after"]
    await log.close()
    await patient.close()


async def test_a_connection_that_breaks_doubles_nothing(
    log: RedisLog, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, n_broken = lane.Lane._pipe, 0

    def breaks(self: lane.Lane, calls: Sequence[Any]) -> Any:
        nonlocal n_broken
        answers = pipe(self, calls)  # Redis has done it, and the answer is lost
        if (n_broken := n_broken + 1) % 2:
            raise redis.ConnectionError
        return answers

    monkeypatch.setattr(lane.Lane, "_pipe", breaks)
    epoch = (await log.append(ANN, new("1", "2"), epoch=0)).epoch
    said = await log.append(ANN, new("3"), epoch=epoch)
    assert (said.n_turns, said.turns[0].seq) == (3, 2)
    pin = await log.pin(ANN, "once")
    assert (await log.read(ANN)).pins == (pin,)
    assert await log.unpin(ANN, pin.id)
    assert await texts(log) == [b"1", b"2", b"3"]
    assert await log.erase(tenant="acme") == 1
    assert n_broken >= 14


async def test_connections_that_redis_closes_are_made_anew(log: RedisLog, client: redis.Redis) -> None:
    epoch = (await log.append(ANN, new("0"), epoch=0)).epoch
    for n in range(1, 4):
        client.client_kill_filter(_type="normal", skipme=True)
        client.script_flush()
        await log.append(ANN, new(str(n)), epoch=epoch)
        assert len(await texts(log)) == n + 1


async def test_a_clock_that_leaps_costs_nothing(log: RedisLog) -> None:
    epoch = (await log.append(ANN, new("0"), epoch=0)).epoch
    assert log._writes._ahead_ms is not None
    log._writes._ahead_ms -= 3_600_000
    assert (await log.append(ANN, new("1"), epoch=epoch)).n_turns == 2
    log._writes._ahead_ms += 3_600_000
    assert (await log.append(ANN, new("2"), epoch=epoch)).n_turns == 3


async def test_a_redis_that_lost_all_begins_anew(log: RedisLog, client: redis.Redis) -> None:
    epoch = (await log.append(ANN, new("0"), epoch=0)).epoch
    client.flushall()
    assert await log.read(ANN) == NO_PAST
    with pytest.raises(ConversationErased):
        await log.append(ANN, new("1"), epoch=epoch)
    assert (await log.append(ANN, new("anew"), epoch=0)).epoch != epoch


async def test_a_redis_that_evicts_is_told_on(log: RedisLog, client: redis.Redis) -> None:
    epoch = (await log.append(ANN, new("0"), epoch=0)).epoch
    [turns] = keys(client, "*}:1:t:*")
    client.delete(turns)
    for call in (log.read(ANN), log.append(ANN, new("1"), epoch=epoch)):
        with pytest.raises(StoreUnavailable, match="noeviction"):
            await call
    other = Name("c2", "acme", "ann")
    await log.append(other, new("old"), epoch=0)
    [head] = [k for k in keys(client, "*}:1:c:*") if client.hget(k, "i") == b"c2"]
    client.delete(head)
    assert await log.read(other) == NO_PAST
    assert [x.name.id for x in await log.list(tenant="acme")] == ["c1"]
    await log.append(other, new("anew"), epoch=0)
    assert await texts(log, other) == [b"anew"]


async def test_a_full_redis_keeps_no_half(log: RedisLog, client: redis.Redis) -> None:
    epoch = (await log.append(ANN, new("0"), epoch=0)).epoch
    client.config_set("maxmemory", 1)
    try:
        for call in (
            log.append(ANN, new("1", "2"), epoch=epoch),
            log.append(Name("c2", "acme"), new("1"), epoch=0),
            log.pin(ANN, "x"),
        ):
            with pytest.raises(StoreUnavailable):
                await call
        assert (await log.read(ANN)).n_turns == 1
    finally:
        client.config_set("maxmemory", 0)
    assert [x.name.id for x in await log.list(tenant="acme")] == ["c1"]
    assert (await log.append(ANN, new("1", "2"), epoch=epoch)).n_turns == 3


async def test_large_and_long_conversations_come_in_parts(
    log: RedisLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_log, "_MAX_ROWS", 70)
    monkeypatch.setattr(redis_log, "_MAX_BYTES", 10_000)
    said = [f"{n} " + "x" * (3000 if n < 100 else 10) for n in range(500)]
    await log.append(ANN, new(*said), epoch=0)
    assert await texts(log) == [text.encode() for text in said]
    assert [t.seq for t in (await log.read(ANN, after=120)).turns] == [*range(121, 500)]


async def test_what_is_erased_between_two_parts_is_read_anew(
    log: RedisLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_log, "_MAX_ROWS", 50)
    await log.append(ANN, new(*map(str, range(120))), epoch=0)
    ask, n_parts = RedisLog._ask, 0

    async def anew(self: RedisLog, *args: Any) -> Any:
        nonlocal n_parts
        said = await ask(self, *args)
        if args[0] is log._reads and (n_parts := n_parts + 1) == 2:
            await log.erase(tenant="acme")
            await log.append(ANN, new("new"), epoch=0)
        return said

    monkeypatch.setattr(RedisLog, "_ask", anew)
    assert await texts(log) == [b"new"]
    assert n_parts == 4


async def test_many_are_listed_and_erased_in_parts(log: RedisLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_log, "_N_A_PAGE", 2)
    monkeypatch.setattr(redis_log, "_N_AN_ERASE", 3)
    for n in range(7):
        await log.append(Name(f"c{n}", "acme", "ab"[n % 2]), [NewTurn(b"x", float(n))], epoch=0)
    assert [x.name.id for x in await log.list(tenant="acme")] == [f"c{n}" for n in reversed(range(7))]
    assert [x.name.id for x in await log.list(tenant="acme", limit=3)] == ["c6", "c5", "c4"]
    assert await log.erase(tenant="acme", user="a") == 4
    assert {x.name.user for x in await log.list(tenant="acme")} == {"b"}
    assert await log.erase(tenant="acme") == 3


async def test_more_than_redis_can_take_is_refused(log: RedisLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "MAX_WAITING", 0)
    with pytest.raises(StoreUnavailable):
        await log.append(ANN, new("x"), epoch=0)
    log.keep_summary(ANN, Summary("s", 1, "extract"), epoch=1)  # says nothing


def test_a_url_that_is_none_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        RedisLog("http://ann:hunter2@redis")
    assert "hunter2" not in str(caught.value)
