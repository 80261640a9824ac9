"""What every log of conversations must keep to: SQLite in memory and in a file, and Redis."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis

from stepwell.base.errors import ConversationErased, ForeignConversation, StoreUnavailable
from stepwell.memory.context.log.log import (
    NO_PAST,
    Listed,
    Name,
    NewTurn,
    Past,
    Summary,
    Turn,
)
from stepwell.memory.context.log.redis_log import RedisLog
from stepwell.memory.context.log.sqlite_log import SqliteLog
from tests.router.redis_server import Server

Log = SqliteLog | RedisLog
ANN = Name("c1", "acme", "ann")
BOB = Name("c1", "acme", "bob")
ODD_NAMES = ["", "a\0b", "\ud800 alone", "é" * 10_000, "a/b:c {d}\r\n", "'; DROP TABLE turns; --"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["memory", "file", "redis"])
async def log(request: pytest.FixtureRequest, server: Server, tmp_path: Path) -> AsyncIterator[Log]:
    made: Log
    if request.param == "redis":
        with redis.Redis(port=server.port) as client:
            client.flushall()
        made = RedisLog(server.url, timeout_s=20)
    else:
        made = SqliteLog(str(tmp_path / "c.db") if request.param == "file" else None)
    yield made
    await made.close()


def new(*texts: str, at_s: float = 1.0) -> list[NewTurn]:
    return [NewTurn(text.encode("utf-8", "surrogatepass"), at_s + i, b"g") for i, text in enumerate(texts)]


def texts(past: Past) -> list[bytes]:
    return [t.raw for t in past.turns]


async def begun(log: Log, name: Name = ANN, *said: str) -> int:
    return (await log.append(name, new(*(said or ("hi",))), epoch=0)).epoch


async def until_kept(log: Log) -> None:
    """Wait until what was sent so far is kept (what is asked comes after what was sent before)."""
    await log.unpin(Name("none"), "none")


async def test_what_is_not_there_is_no_past(log: Log) -> None:
    assert await log.read(ANN) == NO_PAST
    assert await log.list(tenant="acme") == []
    assert await log.erase(tenant="acme") == 0
    assert not await log.unpin(ANN, "x")


async def test_turns_come_back_verbatim_in_order_from_any_place(log: Log) -> None:
    first = await log.append(ANN, new("one", "two"), epoch=0)
    assert first.epoch > 0
    assert (first.n_turns, [t.seq for t in first.turns]) == (2, [0, 1])
    second = await log.append(ANN, new("three", at_s=9.5), epoch=first.epoch)
    assert second == Past(first.epoch, 3, (Turn(2, b"three", 9.5, b"g"),))
    past = await log.read(ANN)
    assert past == Past(first.epoch, 3, (*first.turns, *second.turns))
    for after in (-5, -1, 0, 1, 2, 99):
        expected = tuple(t for t in past.turns if t.seq > after)
        assert await log.read(ANN, after=after) == Past(first.epoch, 3, expected)


async def test_what_headed_a_request_is_known_as_such(log: Log) -> None:
    leads = [True, False, True, True, False]
    turns = [NewTurn(b"%d" % i, 1.0, b"g", is_lead) for i, is_lead in enumerate(leads)]
    made = await log.append(ANN, turns, epoch=0)
    assert [t.is_lead for t in made.turns] == leads
    assert (await log.read(ANN)).turns == made.turns


async def test_any_bytes_and_sizes_are_kept(log: Log) -> None:
    raws = [b"", b"\0", bytes(range(256)), b"x" * 1_000_000, "\ud800".encode("utf-8", "surrogatepass")]
    made = await log.append(ANN, [NewTurn(raw, 1.25) for raw in raws], epoch=0)
    past = await log.read(ANN)
    assert texts(past) == raws
    assert past.turns == made.turns
    assert {t.guarded for t in past.turns} == {b""}


async def test_odd_names_are_names_like_others(log: Log) -> None:
    for i, odd in enumerate(ODD_NAMES):
        for name in (Name(odd, "t", "u"), Name("id", odd, "u"), Name(f"id{i}", "t", odd)):
            await begun(log, name, f"{i}{name.id[:9]}")
    for i, odd in enumerate(ODD_NAMES):
        for name in (Name(odd, "t", "u"), Name("id", odd, "u"), Name(f"id{i}", "t", odd)):
            assert texts(await log.read(name)) == [f"{i}{name.id[:9]}".encode("utf-8", "surrogatepass")]
    found = {listed.name.id for listed in await log.list(tenant="t", user="u")}
    assert found == set(ODD_NAMES)
    for odd in ODD_NAMES:
        assert await log.erase(tenant="t", id=odd) == 1
    assert await log.list(tenant="t", user="u") == []


async def test_tenants_never_meet(log: Log) -> None:
    there = Name("c1", "other", "ann")
    await begun(log, ANN, "mine")
    await begun(log, there, "theirs")
    assert texts(await log.read(ANN)) == [b"mine"]
    assert await log.erase(tenant="other") == 1
    assert texts(await log.read(ANN)) == [b"mine"]
    assert await log.read(there) == NO_PAST


@pytest.mark.parametrize("other", [BOB, Name("c1", "acme")])
async def test_a_conversation_is_its_users_alone(log: Log, other: Name) -> None:
    epoch = await begun(log, ANN, "secret-word")
    pin = await log.pin(ANN, "secret-fact")
    said = []
    for call in (
        log.read(other),
        log.append(other, new("x"), epoch=0),
        log.append(other, new("x"), epoch=epoch),
        log.append(other, new("x"), epoch=epoch + 1),
        log.pin(other, "x"),
        log.unpin(other, pin.id),
    ):
        with pytest.raises((ForeignConversation, ConversationErased)) as caught:
            await call
        said.append(caught)
        assert "secret" not in str(caught.value)
        assert "c1" not in str(caught.value)
    assert [c.type for c in said] == [ForeignConversation] * 6
    assert (await log.read(ANN)).n_turns == 1
    assert await log.erase(tenant="acme", user=other.user, id="c1") == 0


async def test_the_user_without_a_name_is_a_user(log: Log) -> None:
    nobody = Name("c1", "acme")
    await begun(log, nobody)
    with pytest.raises(ForeignConversation):
        await log.read(ANN)
    assert await log.erase(tenant="acme", user="") == 1


async def test_two_that_begin_at_once_hear_of_each_other(log: Log) -> None:
    said = await asyncio.gather(
        *(log.append(ANN, new(str(i)), epoch=0) for i in range(5)), return_exceptions=True
    )
    made = [s for s in said if isinstance(s, Past)]
    assert len(made) == 1
    assert [type(s) for s in said].count(ConversationErased) == 4
    assert (await log.read(ANN)).n_turns == 1


async def test_two_that_know_the_epoch_may_both_append(log: Log) -> None:
    epoch = await begun(log)
    said = await asyncio.gather(*(log.append(ANN, new(f"{i}a", f"{i}b"), epoch=epoch) for i in range(20)))
    past = await log.read(ANN)
    assert [t.seq for t in past.turns] == list(range(41))
    for i, each in enumerate(said):  # each in one piece, and as each was told
        assert texts(each) == [b"%da" % i, b"%db" % i]
        assert past.turns[each.turns[0].seq : each.turns[0].seq + 2] == each.turns


async def test_appends_of_one_caller_keep_their_order(log: Log) -> None:
    epoch = await begun(log, ANN, "0")
    tasks = [asyncio.create_task(log.append(ANN, new(str(i)), epoch=epoch)) for i in range(1, 30)]
    await asyncio.gather(*tasks)
    assert texts(await log.read(ANN)) == [str(i).encode() for i in range(30)]


async def test_a_stale_epoch_brings_nothing_back(log: Log) -> None:
    old = await begun(log)
    assert await log.erase(tenant="acme", id="c1") == 1
    with pytest.raises(ConversationErased):
        await log.append(ANN, new("late"), epoch=old)
    assert await log.read(ANN) == NO_PAST
    fresh = await begun(log, ANN, "anew")
    assert fresh != old
    with pytest.raises(ConversationErased):
        await log.append(ANN, new("late"), epoch=old)
    log.keep_marks(ANN, [(0, b"old")], epoch=old)
    log.keep_summary(ANN, Summary("old", 1, "extract"), epoch=old)
    await until_kept(log)
    assert await log.read(ANN) == Past(fresh, 1, (Turn(0, b"anew", 1.0, b"g"),))


@pytest.mark.parametrize("erased", [{}, {"user": "ann"}, {"id": "c1"}, {"id": "c1", "user": "ann"}])
async def test_a_first_exchange_under_way_begins_nothing_that_was_erased(
    log: Log, erased: dict[str, str]
) -> None:
    asked_s = time.time()
    assert await log.erase(tenant="acme", **erased) == 0  # nothing is there yet
    with pytest.raises(ConversationErased):
        await log.append(ANN, new("late"), epoch=0, since_s=asked_s)
    assert await log.read(ANN) == NO_PAST
    for other in (Name("c2", "acme", "bob"), Name("c1", "other", "ann")):
        if erased or other.tenant != "acme":
            await log.append(other, new("x"), epoch=0, since_s=asked_s)
    past = await log.append(ANN, new("asked later"), epoch=0, since_s=time.time() + 1)
    await log.erase(tenant="acme", id="c2")
    assert (await log.append(ANN, new("more"), epoch=past.epoch, since_s=asked_s)).n_turns == 2
    await log.erase(tenant="acme", **erased)
    await log.append(ANN, new("said long ago, brought in now"), epoch=0)


async def test_nothing_to_append_is_appended(log: Log) -> None:
    assert await log.append(ANN, [], epoch=0) == NO_PAST
    assert await log.read(ANN) == NO_PAST
    epoch = await begun(log)
    assert await log.append(ANN, [], epoch=epoch) == Past(epoch, 1)
    with pytest.raises(ConversationErased):
        await log.append(ANN, [], epoch=epoch + 1)


async def test_marks_are_kept_with_their_turns(log: Log) -> None:
    epoch = await begun(log, ANN, "a", "b", "c")
    log.keep_marks(ANN, [(0, b"m0"), (2, b"\0m2")], epoch=epoch)
    log.keep_marks(ANN, [(2, b"again"), (3, b"nowhere"), (-1, b"nowhere")], epoch=epoch)
    log.keep_marks(ANN, [], epoch=epoch)
    await until_kept(log)
    assert [t.mark for t in (await log.read(ANN)).turns] == [b"m0", b"", b"again"]
    await log.append(ANN, new("d"), epoch=epoch)
    assert [t.mark for t in (await log.read(ANN, after=1)).turns] == [b"again", b""]


async def test_a_summary_gives_way_to_none_that_covers_less(log: Log) -> None:
    epoch = await begun(log, ANN, "a", "b", "c")
    for summary, kept in (
        (Summary("x", 1, "extract", 7), "x"),
        (Summary("\ud800y", 2, "tier:small", 9), "\ud800y"),
        (Summary("late", 1, "extract", 7), "\ud800y"),
        (Summary("same", 2, "extract", 11), "same"),
    ):
        log.keep_summary(ANN, summary, epoch=epoch)
        await until_kept(log)
        found = (await log.read(ANN, after=99)).summary
        assert found is not None
        assert found.text == kept
    assert found == Summary("same", 2, "extract", 11)


async def test_pins_stay_in_order_until_they_are_taken_off(log: Log) -> None:
    first = await log.pin(ANN, "allergic \ud800 to nuts\0")  # before the first turn
    past = await log.read(ANN)
    assert past == Past(past.epoch, 0, (), (first,))
    assert past.epoch > 0
    await log.append(ANN, new("hi"), epoch=past.epoch)
    second = await log.pin(ANN, "x" * 100_000)
    same = await log.pin(ANN, first.text)
    assert (await log.read(ANN)).pins == (first, second, same)
    assert len({p.id for p in (first, second, same)}) == 3
    assert await log.unpin(ANN, first.id)
    assert not await log.unpin(ANN, first.id)
    assert not await log.unpin(ANN, "\ud800")
    assert not await log.unpin(Name("c2", "acme", "ann"), second.id)
    assert (await log.read(ANN, after=0)).pins == (second, same)


async def test_lists_tell_the_latest_first(log: Log) -> None:
    for i, user in enumerate(("ann", "bob", "ann")):
        await log.append(Name(f"c{i}", "acme", user), new("x", "y", at_s=10.0 * (i + 1)), epoch=0)
    epoch = (await log.read(Name("c0", "acme", "ann"))).epoch
    await log.append(Name("c0", "acme", "ann"), new("late", at_s=50.0), epoch=epoch)
    await begun(log, Name("c9", "other", "ann"))
    assert await log.list(tenant="acme") == [
        Listed(Name("c0", "acme", "ann"), 3, 10.0, 50.0),
        Listed(Name("c2", "acme", "ann"), 2, 30.0, 31.0),
        Listed(Name("c1", "acme", "bob"), 2, 20.0, 21.0),
    ]
    assert [x.name.id for x in await log.list(tenant="acme", user="ann")] == ["c0", "c2"]
    assert [x.name.id for x in await log.list(tenant="acme", limit=1)] == ["c0"]
    assert await log.list(tenant="acme", limit=0) == []
    assert await log.list(tenant="acme", user="eve") == []


@pytest.mark.parametrize(
    ("chosen", "gone"),
    [
        ({}, {"a1", "a2", "b1"}),
        ({"user": "ann"}, {"a1", "a2"}),
        ({"user": "bob"}, {"b1"}),
        ({"id": "a1"}, {"a1"}),
        ({"id": "a1", "user": "ann"}, {"a1"}),
        ({"id": "a1", "user": "bob"}, set()),
        ({"user": ""}, set()),
    ],
)
async def test_erase_takes_what_it_names_and_no_more(
    log: Log, chosen: dict[str, str], gone: set[str]
) -> None:
    users = {"a1": "ann", "a2": "ann", "b1": "bob"}
    for id, user in users.items():
        name = Name(id, "acme", user)
        epoch = await begun(log, name)
        log.keep_marks(name, [(0, b"m")], epoch=epoch)
        log.keep_summary(name, Summary("s", 1, "extract"), epoch=epoch)
        await log.pin(name, "p")
    assert await log.erase(tenant="acme", **chosen) == len(gone)
    for id, user in users.items():
        past = await log.read(Name(id, "acme", user))
        assert (past == NO_PAST) is (id in gone)
        assert id in gone or (past.summary is not None and past.pins and past.turns[0].mark == b"m")
    assert {x.name.id for x in await log.list(tenant="acme")} == set(users) - gone
    assert await log.erase(tenant="acme", **chosen) == 0


async def test_a_long_conversation_is_read_whole(log: Log) -> None:
    epoch = await begun(log, ANN, "0")
    for first in range(1, 3001, 1000):
        await log.append(ANN, new(*map(str, range(first, first + 1000))), epoch=epoch)
    past = await log.read(ANN)
    assert texts(past) == [str(i).encode() for i in range(3001)]
    assert texts(await log.read(ANN, after=2998)) == [b"2999", b"3000"]


async def test_other_threads_and_loops_may_call(log: Log) -> None:
    epoch = await begun(log)

    def work(who: int) -> None:
        async def add() -> None:
            for i in range(10):
                await log.append(ANN, new(f"{who}.{i}"), epoch=epoch)
                assert (await log.read(ANN)).n_turns > i

        asyncio.run(add())

    threads = [threading.Thread(target=work, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    past = await log.read(ANN)
    for who in range(4):
        mine = [t.raw for t in past.turns if t.raw.startswith(b"%d." % who)]
        assert mine == [b"%d.%d" % (who, i) for i in range(10)]


async def test_a_closed_log_says_so(log: Log) -> None:
    epoch = await begun(log)
    await log.close()
    log.keep_marks(ANN, [(0, b"m")], epoch=epoch)
    log.keep_summary(ANN, Summary("s", 1, "extract"), epoch=epoch)
    for call in (
        log.read(ANN),
        log.append(ANN, new("x"), epoch=epoch),
        log.pin(ANN, "x"),
        log.unpin(ANN, "x"),
        log.list(tenant="acme"),
        log.erase(tenant="acme"),
    ):
        with pytest.raises(StoreUnavailable):
            await call
    await log.close()
