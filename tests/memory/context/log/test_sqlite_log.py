"""The log in a SQLite file: what may happen to the file, and who waits for it."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from stepwell.base.errors import ConfigError, ConversationErased, StoreUnavailable
from stepwell.memory.context.log import log_reads
from stepwell.memory.context.log.log import NO_PAST, Name, NewTurn, Summary
from stepwell.memory.context.log.sqlite_log import SqliteLog
from stepwell.memory.sqlite_store import SqliteStore
from stepwell.memory.writer import Job

ANN = Name("c1", "acme", "ann")


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteLog]:
    made = SqliteLog(str(tmp_path / "c.db"))
    yield made
    await made.close()


def new(*texts: str) -> list[NewTurn]:
    return [NewTurn(text.encode(), 1.0) for text in texts]


async def settled(log: SqliteLog) -> None:
    await log.unpin(Name("none"), "none")


def pragma(log: SqliteLog, text: str) -> object:
    """Ask it of the connection that writes."""
    return log._writer.ask(lambda c: c.execute(f"PRAGMA {text}").fetchone(), is_urgent=True).result()


async def test_what_was_appended_outlives_the_process_and_a_loss_of_power(tmp_path: Path) -> None:
    path = str(tmp_path / "c.db")
    log = SqliteLog(path)
    assert pragma(log, "journal_mode") == ("wal",)
    assert pragma(log, "synchronous") == (2,)  # FULL: each commit waits for the disk
    past = await log.append(ANN, new("hi"), epoch=0)
    again = SqliteLog(path)
    assert await again.read(ANN) == past
    await log.close()
    assert await again.read(ANN) == past
    await again.close()


async def test_a_full_disk_loses_nothing_silently_and_keeps_no_half(log: SqliteLog) -> None:
    epoch = (await log.append(ANN, new("hi"), epoch=0)).epoch
    pragma(log, "max_page_count=1")  # no lower than the pages there are
    too_much = new("small", "x" * 1_000_000)
    with pytest.raises(StoreUnavailable, match="SQLITE_FULL"):
        await log.append(ANN, too_much, epoch=epoch)
    with pytest.raises(StoreUnavailable):
        await log.append(Name("c2", "acme", "ann"), too_much, epoch=0)
    log.keep_marks(ANN, [(0, b"m" * 1_000_000)], epoch=epoch)
    log.keep_summary(ANN, Summary("s" * 1_000_000, 1, "extract"), epoch=epoch)
    await settled(log)
    past = await log.read(ANN)
    assert (past.n_turns, past.summary, past.turns[0].mark) == (1, None, b"")
    assert [x.name.id for x in await log.list(tenant="acme")] == ["c1"]
    pragma(log, "max_page_count=1000000")
    assert (await log.append(ANN, too_much, epoch=epoch)).n_turns == 3


async def test_one_append_too_large_fails_alone(log: SqliteLog) -> None:
    epoch = (await log.append(ANN, new("hi"), epoch=0)).epoch
    hangs, goes_on = threading.Event(), threading.Event()

    def hang(_: sqlite3.Connection) -> None:
        hangs.set()
        goes_on.wait()

    [n_pages] = log._short.all("PRAGMA page_count")[0]
    log._writer.send(Job(hang))
    hangs.wait()  # so that what follows shares a transaction
    calls = [log.append(ANN, new("a"), epoch=epoch), log.append(ANN, new("b" * 10**6), epoch=epoch)]
    tasks = [asyncio.create_task(call) for call in (*calls, log.append(ANN, new("c"), epoch=epoch))]
    await asyncio.sleep(0)
    log._writer._connection.execute(f"PRAGMA max_page_count={n_pages + 20}")
    goes_on.set()
    said = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(s, StoreUnavailable) for s in said] == [False, True, False]
    assert [t.raw for t in (await log.read(ANN)).turns] == [b"hi", b"a", b"c"]


async def test_a_file_that_stays_locked_is_said_so_to_all_at_once(
    log: SqliteLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    epoch = (await log.append(ANN, new("hi"), epoch=0)).epoch
    pragma(log, "busy_timeout=10")
    log._writer.patience_s = 0.0
    hangs, goes_on, n_tries = threading.Event(), threading.Event(), 0
    transact = log._writer._transact

    def counted(jobs: list[Job]) -> Exception | None:
        nonlocal n_tries
        n_tries += 1
        return transact(jobs)

    def hang() -> None:
        hangs.set()
        goes_on.wait()

    log._writer.send(Job(lambda _: None, after=hang), is_urgent=True)
    hangs.wait()
    with closing(sqlite3.connect(tmp_path / "c.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(log._writer, "_transact", counted)
        tasks = [asyncio.create_task(log.append(ANN, new(str(n)), epoch=epoch)) for n in range(20)]
        await asyncio.sleep(0)
        goes_on.set()
        said = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(s) for s in said} == {StoreUnavailable}
        assert "SQLITE_BUSY" in str(said[0])
        assert n_tries == 1  # each try waits for the lock
        assert (await log.read(ANN)).n_turns == 1  # readers wait for nobody
        other.execute("ROLLBACK")
    assert (await log.append(ANN, new("more"), epoch=epoch)).n_turns == 2


@pytest.mark.parametrize("is_replaced", [True, False])
async def test_a_file_that_is_gone_takes_nothing(log: SqliteLog, tmp_path: Path, is_replaced: bool) -> None:
    path = tmp_path / "c.db"
    epoch = (await log.append(ANN, new("hi"), epoch=0)).epoch
    path.rename(tmp_path / "moved.db")
    other = SqliteLog(str(path)) if is_replaced else None
    for call in (
        log.append(ANN, new("lost?"), epoch=epoch),
        log.append(ANN, new("lost?"), epoch=0),
        log.read(ANN),
        log.pin(ANN, "x"),
        log.unpin(ANN, "x"),
        log.list(tenant="acme"),
        log.erase(tenant="acme"),
    ):
        with pytest.raises(StoreUnavailable, match="removed or replaced"):
            await call
    if other is not None:
        assert await other.read(ANN) == NO_PAST
        await other.close()


async def test_files_of_others_are_refused_and_stay_as_they_are(tmp_path: Path) -> None:
    foreign, cache, text = (tmp_path / name for name in ("foreign.db", "cache.db", "text.db"))
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE mine (n INTEGER)")
    await SqliteStore(str(cache)).close()
    text.write_text("not a database, " * 100)
    for path in (foreign, cache, text):
        before = path.read_bytes()
        with pytest.raises(ConfigError, match=r"context\.path"):
            SqliteLog(str(path))
        assert path.read_bytes() == before
    for path in (tmp_path, tmp_path / "no" / "folder.db"):
        with pytest.raises(ConfigError, match=r"context\.path"):
            SqliteLog(str(path))
    await SqliteLog(str(tmp_path / "log.db")).close()
    with pytest.raises(ConfigError, match=r"cache\.path"):
        SqliteStore(str(tmp_path / "log.db"))


async def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    await SqliteLog(str(path)).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(ConfigError, match="schema 99"):
        SqliteLog(str(path))


async def test_two_on_one_file_see_each_other_at_once(tmp_path: Path) -> None:
    one, two = (SqliteLog(str(tmp_path / "c.db")) for _ in range(2))
    epoch = (await one.append(ANN, new("1"), epoch=0)).epoch
    assert [t.raw for t in (await two.read(ANN)).turns] == [b"1"]
    with pytest.raises(ConversationErased, match="begun by another"):
        await two.append(ANN, new("x"), epoch=0)
    said = await asyncio.gather(*(log.append(ANN, new("a", "b"), epoch=epoch) for log in (one, two) * 10))
    assert sorted(s.turns[0].seq for s in said) == [*range(1, 41, 2)]
    assert await one.read(ANN) == await two.read(ANN)
    assert await two.erase(tenant="acme") == 1
    with pytest.raises(ConversationErased):
        await one.append(ANN, new("late"), epoch=epoch)
    await one.close()
    await two.close()


async def test_long_reads_leave_the_loop_to_others(log: SqliteLog, monkeypatch: pytest.MonkeyPatch) -> None:
    where: list[bool] = []
    read = log_reads.turns

    def watched(*args: object) -> object:
        where.append(threading.current_thread() is threading.main_thread())
        return read(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(log_reads, "turns", watched)
    epoch = (await log.append(ANN, new(*("x" for _ in range(5000))), epoch=0)).epoch
    assert [len((await log.read(ANN, after=after)).turns) for after in (-1, 4900)] == [5000, 99]
    assert where == [False, True]
    big = Name("big", "acme", "ann")
    await log.append(big, new(*("x" * 500_000 for _ in range(5))), epoch=0)
    await log.read(big)
    assert where == [False, True, False]
    assert epoch


async def test_a_conversation_erased_while_it_is_read_is_read_anew(
    log: SqliteLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.append(ANN, new("old", "old"), epoch=0)
    other, read, n_reads = SqliteLog(str(tmp_path / "c.db")), log_reads.head, 0

    def erased_after(*args: object) -> object:
        nonlocal n_reads
        n_reads += 1
        found = read(*args)  # type: ignore[arg-type]
        if n_reads == 1:
            # as another process would, between two statements of this one
            threading.Thread(target=asyncio.run, args=(anew(),)).start()
            is_over.wait()
        return found

    async def anew() -> None:
        await other.erase(tenant="acme")
        await other.append(ANN, new("new"), epoch=0)
        is_over.set()

    is_over = threading.Event()
    monkeypatch.setattr(log_reads, "head", erased_after)
    assert [t.raw for t in (await log.read(ANN)).turns] == [b"new"]
    assert n_reads == 2
    await other.close()


async def test_who_stops_waiting_leaves_all_or_nothing(log: SqliteLog) -> None:
    epoch = (await log.append(ANN, new("hi"), epoch=0)).epoch
    tasks = [asyncio.create_task(log.append(ANN, new("a", "b"), epoch=epoch)) for _ in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    said = await asyncio.gather(*tasks, return_exceptions=True)
    past = await log.read(ANN)
    assert not isinstance(said[1], BaseException)
    assert [t.raw for t in past.turns[1:]] == [b"a", b"b"] * ((past.n_turns - 1) // 2)
    assert past.n_turns >= 21
    assert (await log.append(ANN, new("on"), epoch=epoch)).n_turns == past.n_turns + 1


async def test_a_log_that_nobody_closes_writes_what_it_has(tmp_path: Path) -> None:
    path = str(tmp_path / "c.db")
    log = SqliteLog(path)
    epoch = (await log.append(ANN, new("hi"), epoch=0)).epoch
    log.keep_marks(ANN, [(0, b"m")], epoch=epoch)
    del log
    gc.collect()
    again = SqliteLog(path)
    assert (await again.read(ANN)).turns[0].mark == b"m"
    await again.close()


async def test_a_time_that_is_none_is_refused(log: SqliteLog) -> None:
    for at_s in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="finite"):
            await log.append(ANN, [NewTurn(b"x", at_s)], epoch=0)
    assert await log.read(ANN) == NO_PAST
