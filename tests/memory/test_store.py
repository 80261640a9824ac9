"""The SQLite store: it keeps what it was given, and nothing longer than it should."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from stepwell.base.errors import ConfigError
from stepwell.memory import schema, sqlite_writes
from stepwell.memory.sqlite_store import SqliteStore
from stepwell.memory.store import Entry, Record
from stepwell.memory.writer import Job

NOW_S = 1_000_000.0


def entry(
    n: int, *, tenant: str = "t", user: str = "u", expires_at_s: float = NOW_S + 100, body: bytes = b"{}"
) -> Entry:
    key = n.to_bytes(32, "big")
    return Entry(f"h{n}", key, tenant, user, body, "local", "m", 0.5, NOW_S, expires_at_s)


async def attach(
    store: SqliteStore,
    hit_id: str,
    *,
    answer_id: str | None = None,
    partition: bytes = b"p",
    vector: bytes = b"v",
    sketch: bytes = b"",
    expires_at_s: float = NOW_S + 9,
) -> bool:
    return await store.attach(
        hit_id,
        answer_id=answer_id or hit_id,
        partition=partition,
        vector=vector,
        sketch=sketch,
        expires_at_s=expires_at_s,
    )


async def settled(store: SqliteStore) -> None:
    """Wait until all writes sent so far are on the disk (attaching to nothing comes after them)."""
    await attach(store, "none")


@pytest.fixture(params=["memory", "file"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    path = str(tmp_path / "cache.db") if request.param == "file" else None
    made = SqliteStore(path, max_entries_per_tenant=5)
    yield made
    await made.close()


async def test_reads_back_what_was_put_at_once_and_later(store: SqliteStore) -> None:
    e = entry(1, body=b"\x00body")
    await store.put(e)
    assert await store.get(e.key, now_s=NOW_S) == e
    await settled(store)
    assert await store.get(e.key, now_s=NOW_S) == e
    assert await store.find("h1", now_s=NOW_S) == e
    assert await store.get(entry(2).key, now_s=NOW_S) is None
    assert await store.find("h2", now_s=NOW_S) is None
    assert store.n_lost == 0


async def test_expiry_is_absolute(store: SqliteStore) -> None:
    e = entry(1)
    await store.put(e)
    for _ in range(2):  # on its way to the disk, then on it
        assert await store.get(e.key, now_s=e.expires_at_s - 0.001) == e
        assert await store.get(e.key, now_s=e.expires_at_s) is None
        await settled(store)
    assert await store.find("h1", now_s=e.expires_at_s) is None


async def test_a_newer_entry_takes_the_older_ones_place(store: SqliteStore) -> None:
    old = entry(1)
    new = replace(old, hit_id="h1b", body=b"new")
    await store.put(old)
    assert await attach(store, "h1")
    await store.put(new)
    await settled(store)
    assert await store.get(old.key, now_s=NOW_S) == new
    assert await store.find("h1", now_s=NOW_S) is None
    assert store.vectors_after(b"p", 0, now_s=NOW_S, limit=9) == []


async def test_a_newer_entry_takes_over_who_leads_to_the_older_one(tmp_path: Path) -> None:
    """Readers of what is new hear of it once the newer entry's own prompt was compared, and not before."""
    path = str(tmp_path / "c.db")
    store, other = SqliteStore(path), SqliteStore(path)
    for n in (1, 2, 3):
        await store.put(entry(n))
        assert await attach(store, f"h{n}", answer_id="h1", expires_at_s=NOW_S + 99)
    store.add_record("h1", Record(2, 1))
    await settled(store)
    read_until = other.vectors_after(b"p", 0, now_s=NOW_S, limit=9)[-1].seq
    newer = replace(entry(1), hit_id="h1b", expires_at_s=entry(1).expires_at_s - 5)
    await other.put(newer)
    await settled(other)
    assert await store.find("h1", now_s=NOW_S) is None
    assert store.records(["h1", "h1b"]) == {"h1b": Record(2, 1)}
    assert [r.answer_id for r in store.vectors_after(b"p", 0, now_s=NOW_S, limit=9)] == ["h1b", "h1b"]
    assert store.vectors_after(b"p", read_until, now_s=NOW_S, limit=9) == []
    assert await attach(other, "h1b", expires_at_s=NOW_S + 99)
    rows = store.vectors_after(b"p", read_until, now_s=NOW_S, limit=9)
    assert [r.answer_id for r in rows] == ["h1b"] * 3
    assert {r.expires_at_s for r in rows} == {newer.expires_at_s}
    assert len(store.sketches(b"p", [r.seq for r in rows])) == 3
    await store.close()
    await other.close()


async def test_the_cap_holds_for_each_tenant_and_the_oldest_go(store: SqliteStore) -> None:
    await store.put(entry(99, tenant="other"))
    for n in range(8):
        await store.put(entry(n))
    await settled(store)
    kept = [n for n in range(8) if await store.get(entry(n).key, now_s=NOW_S)]
    assert kept == [3, 4, 5, 6, 7]
    assert await store.get(entry(99).key, now_s=NOW_S) is not None
    store.erase(tenant="t")
    await store.put(entry(1))
    await settled(store)
    assert await store.get(entry(1).key, now_s=NOW_S) is not None  # the count went down with them


async def test_expired_entries_leave_the_file(store: SqliteStore) -> None:
    for n in range(3):
        await store.put(entry(n, expires_at_s=NOW_S + 1))
    await settled(store)
    await store.put(replace(entry(9), stored_at_s=NOW_S + 2))
    await settled(store)
    assert store.erase(tenant="t") == 1


async def test_vectors_come_in_order_page_by_page_and_go_with_their_entry(store: SqliteStore) -> None:
    for n in range(5):
        await store.put(entry(n))
    for n in (3, 0, 2):
        assert await attach(store, f"h{n}", vector=bytes([n]))
    assert await attach(store, "h1", partition=b"q")
    assert not await attach(store, "gone")
    first = store.vectors_after(b"p", 0, now_s=NOW_S, limit=2)
    rest = store.vectors_after(b"p", first[-1].seq, now_s=NOW_S, limit=2)
    assert [r.answer_id for r in first + rest] == ["h3", "h0", "h2"]
    assert store.vectors_after(b"p", rest[-1].seq, now_s=NOW_S, limit=2) == []
    assert store.remove("h0")
    assert not store.remove("h0")
    assert [r.answer_id for r in store.vectors_after(b"p", 0, now_s=NOW_S, limit=9)] == ["h3", "h2"]
    assert store.vectors_after(b"p", 0, now_s=NOW_S + 9, limit=9) == []


async def test_erase_takes_what_is_still_on_its_way(store: SqliteStore) -> None:
    await store.put(entry(1, user="ann"))
    await store.put(entry(2, user="bob"))
    await store.put(entry(3, tenant="other", user="ann"))
    assert store.erase(tenant="t", user="ann") == 1
    assert await store.get(entry(1).key, now_s=NOW_S) is None
    assert await store.get(entry(2).key, now_s=NOW_S) is not None
    assert store.erase(tenant="t") == 1
    assert await store.get(entry(3).key, now_s=NOW_S) is not None


async def test_a_closed_store_answers_nothing_and_breaks_nothing(store: SqliteStore) -> None:
    await store.close()
    await store.put(entry(1))
    assert await store.get(entry(1).key, now_s=NOW_S) is None
    assert await store.find("h1", now_s=NOW_S) is None
    assert store.vectors_after(b"p", 0, now_s=NOW_S, limit=1) == []
    assert not await attach(store, "h1")


def bytes_in(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in folder.iterdir())


def modes_in(folder: Path) -> set[int]:
    return {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()}


async def test_erased_bytes_leave_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    store = SqliteStore(str(path))
    beside = SqliteStore(str(path))  # another process has the file open
    for what in ("tenant", "entry"):
        await store.put(entry(1, body=b"SECRET-ANSWER" * 500))
        assert await attach(store, "h1", sketch=b"SECRET-SKETCH")
        assert await beside.get(entry(1).key, now_s=NOW_S) is not None
        assert b"SECRET-ANSWER" in bytes_in(tmp_path)
        assert b"SECRET-SKETCH" in bytes_in(tmp_path)
        assert store.erase(tenant="t") if what == "tenant" else store.remove("h1")
        assert b"SECRET" not in bytes_in(tmp_path)
        assert await beside.get(entry(1).key, now_s=NOW_S) is None
    assert modes_in(tmp_path) == {0o600}
    await store.close()
    await beside.close()


async def test_a_store_that_nobody_closes_writes_what_it_has(tmp_path: Path) -> None:
    path = str(tmp_path / "c.db")
    store = SqliteStore(path)
    await store.put(entry(1))
    del store
    again = SqliteStore(path)
    assert await again.get(entry(1).key, now_s=NOW_S) is not None
    await again.close()


def test_another_programs_database_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mine.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (n INTEGER)")
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="another program"):
        SqliteStore(str(path))
    assert path.read_bytes() == before


def test_files_that_are_no_cache_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.db"
    text.write_text("not a database, " * 100)
    foreign = tmp_path / "foreign.db"
    with sqlite3.connect(foreign) as c:
        c.execute("CREATE TABLE mine (x)")
    c.close()
    for path in (text, foreign, tmp_path / "no" / "folder.db", tmp_path):
        with pytest.raises(ConfigError, match=r"cache\.path"):
            SqliteStore(str(path))


async def test_an_older_schema_is_brought_up_and_a_newer_one_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "c.db")
    old = SqliteStore(path)
    await old.put(entry(1))
    await old.close()
    with monkeypatch.context() as newer:
        more = (*schema.MIGRATIONS, "CREATE TABLE extra (x);\nINSERT INTO extra VALUES (1);")
        newer.setattr(schema, "MIGRATIONS", more)
        new = SqliteStore(path)
        assert await new.get(entry(1).key, now_s=NOW_S) == entry(1)
        await new.close()
        SqliteStore(path)._flush()  # a second time there is nothing left to do
    with pytest.raises(ConfigError, match=r"schema 3, but .* 2"):
        SqliteStore(path)


async def test_a_file_of_version_1_keeps_what_it_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "c.db")
    with monkeypatch.context() as older:
        older.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        old = schema.connect(path)
    columns = "hit_id, key, tenant, user, body, tier, model, cost_usd, stored_at_s, expires_at_s"
    e = entry(1)
    row = (
        e.hit_id,
        e.key,
        e.tenant,
        e.user,
        e.body,
        e.tier,
        e.model,
        e.cost_usd,
        e.stored_at_s,
        e.expires_at_s,
    )
    old.execute(f"INSERT INTO entries ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    insert = "INSERT INTO vectors (hit_id, partition, vector, expires_at_s) VALUES ('h1', ?, x'01', ?)"
    old.execute(insert, (b"p", e.expires_at_s))
    store = SqliteStore(path)
    assert await store.get(e.key, now_s=NOW_S) == e
    old.execute("DELETE FROM vectors")
    old.execute(insert, (b"q", e.expires_at_s))  # a process that still runs version 1
    old.close()
    assert store.vectors_after(b"p", 0, now_s=NOW_S, limit=9) == []
    [found] = store.vectors_after(b"q", 0, now_s=NOW_S, limit=9)
    assert (found.seq, found.answer_id, found.vector) == (2, "h1", b"\x01")
    assert store.sketches(b"q", [2]) == {2: b""}
    await store.close()


async def test_the_log_keeps_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_writes, "MAX_JUDGEMENTS", 10)
    store = SqliteStore()
    for n in range(25):
        store.note(b"%d" % n)
    await settled(store)
    assert [note for _, note in store.notes_after(0, limit=99)] == [b"%d" % n for n in range(15, 25)]
    await store.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "c.db")
    schema.connect(path).close()
    with monkeypatch.context() as broken:
        broken.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "CREATE TABLE a (x);\nCREATE TABLE a (x);"))
        with pytest.raises(ConfigError, match="already exists"):
            schema.connect(path)
    connection = schema.connect(path)
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'a'").fetchone() == (0,)
    connection.close()


async def test_a_full_disk_loses_the_write_and_says_so(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "c.db"))
    await settled(store)
    store._connection.execute("PRAGMA max_page_count=1")
    await store.put(entry(1, body=b"x" * 10_000_000))
    await settled(store)
    assert store.n_lost == 1
    assert await store.get(entry(1).key, now_s=NOW_S) is None
    store._connection.execute("PRAGMA max_page_count=100000")
    await store.put(entry(2))
    await settled(store)
    assert await store.get(entry(2).key, now_s=NOW_S) is not None
    await store.close()


async def test_a_disk_that_hangs_costs_writes_and_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stepwell.memory.sqlite_store.MAX_WAITING", 5)
    store = SqliteStore(str(tmp_path / "c.db"), max_entries_per_tenant=99)
    hangs, goes_on = threading.Event(), threading.Event()

    def hang(_: sqlite3.Connection) -> None:
        hangs.set()
        goes_on.wait()

    store._writer.send(Job(hang))
    hangs.wait()
    for n in range(20):
        await store.put(entry(n))
    assert store.n_lost == 15
    assert not await attach(store, "h0")
    assert [n for n in range(20) if await store.find(f"h{n}", now_s=NOW_S)] == list(range(5))
    erasing = asyncio.create_task(asyncio.to_thread(store.remove, "h3"))
    await asyncio.sleep(0.01)
    goes_on.set()
    assert await erasing
    await store.put(entry(30))
    await settled(store)
    assert [n for n in range(31) if await store.find(f"h{n}", now_s=NOW_S)] == [0, 1, 2, 4, 30]
    assert store.n_lost == 16  # the vector, too
    await store.close()


WRITE_SOME = """
import asyncio, sys
from stepwell.memory.sqlite_store import SqliteStore
from stepwell.memory.store import Entry

async def main(path, who):
    store = SqliteStore(path)
    for n in range(200):
        key = f"{who}.{n}".encode().ljust(32)
        await store.put(Entry(f"{who}.{n}", key, "t", who, b"{}", "l", "m", 0.0, 1.0, 2.0))
        if n % 20 == 0:
            attached = dict(partition=b"p", vector=key, sketch=b"", expires_at_s=2.0)
            assert await store.attach(f"{who}.{n}", answer_id=f"{who}.{n}", **attached)
    await store.close()
    print(store.n_lost)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_several_processes_start_at_once_and_write_one_file(tmp_path: Path) -> None:
    path = str(tmp_path / "c.db")
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITE_SOME, path, str(who), stdout=asyncio.subprocess.PIPE
        )
        for who in range(4)
    ]
    said = [(await p.communicate())[0] for p in processes]
    assert said == [b"0\n"] * 4
    store = SqliteStore(path)
    assert store.erase(tenant="t", user="2") == 200
    assert store.erase(tenant="t") == 600
    await store.close()


async def test_a_process_that_ends_leaves_the_log_of_those_that_go_on(tmp_path: Path) -> None:
    path = str(tmp_path / "c.db")
    store = SqliteStore(path)
    await store.put(entry(1))
    command = (sys.executable, "-c", WRITE_SOME, path, "b")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert (await process.communicate())[0] == b"0\n"
    assert (tmp_path / "c.db-wal").exists()
    await store.put(entry(2))
    await store.close()
    again = SqliteStore(path)
    assert again.erase(tenant="t", user="u") == 2
    await again.close()


async def test_threads_may_read_vectors_while_others_write(store: SqliteStore) -> None:
    is_over, errors = threading.Event(), []

    def read() -> None:
        try:
            while not is_over.is_set():
                store.vectors_after(b"p", 0, now_s=NOW_S, limit=9)
        except Exception as e:  # noqa: BLE001 - shown by the assert below
            errors.append(e)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for t in threads:
        t.start()
    for n in range(100):
        await store.put(entry(n))
        assert await store.get(entry(n).key, now_s=NOW_S) is not None
        if n % 10 == 0:
            await attach(store, f"h{n}")
    is_over.set()
    for t in threads:
        t.join()
    assert errors == []
    assert store.n_lost == 0
