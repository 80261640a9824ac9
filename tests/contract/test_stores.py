"""What every store of the cache must keep to: SQLite in memory and in a file, and Redis with its mirror."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from stepwell.base.errors import StoreUnavailable
from stepwell.memory.redis_store import RedisStore
from stepwell.memory.sqlite_store import SqliteStore
from stepwell.memory.store import Entry, Record, Store, Tally
from tests.router.redis_server import Server

NOW_S = float(int(time.time()))  # Redis keeps its own time
LATER_S = NOW_S + 3000
CAP = 5


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["memory", "file", "redis"])
async def store(request: pytest.FixtureRequest, server: Server, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store
    if request.param == "redis":
        with redis.Redis(port=server.port) as client:
            client.flushall()
        local = SqliteStore(max_entries_per_tenant=CAP)
        made = RedisStore(f"{server.url}?socket_timeout=20", local=local, max_entries_per_tenant=CAP)
        for _ in range(1000):
            if not made.is_exact_only:
                break
            await asyncio.sleep(0.01)
    else:
        path = str(tmp_path / "c.db") if request.param == "file" else None
        made = SqliteStore(path, max_entries_per_tenant=CAP)
    assert not made.is_exact_only
    yield made
    await made.close()


def entry(
    n: int, *, tenant: str = "t", user: str = "u", expires_at_s: float = LATER_S, body: bytes = b"{}"
) -> Entry:
    key = n.to_bytes(32, "big")
    return Entry(f"h{n}", key, tenant, user, body, "local", "m", 0.5, NOW_S, expires_at_s, 1.5)


async def attach(
    store: Store,
    hit_id: str,
    answer_id: str | None = None,
    *,
    partition: bytes = b"p",
    vector: bytes = b"v",
    sketch: bytes = b"s",
    expires_at_s: float = LATER_S,
) -> bool:
    return await store.attach(
        hit_id,
        answer_id=answer_id or hit_id,
        partition=partition,
        vector=vector,
        sketch=sketch,
        expires_at_s=expires_at_s,
    )


async def settled(store: Store) -> None:
    """Wait until all writes sent so far are made (attaching to nothing comes after them)."""
    assert not await attach(store, "none")


def leads(store: Store, partition: bytes = b"p", *, now_s: float = NOW_S) -> list[str]:
    return [row.answer_id for row in store.vectors_after(partition, 0, now_s=now_s, limit=99)]


async def test_reads_back_what_was_put_at_once_and_later(store: Store) -> None:
    e = entry(1, body=b"\x00body")
    await store.put(e)
    for _ in range(2):
        assert await store.get(e.key, now_s=NOW_S) == e
        assert await store.find("h1", now_s=NOW_S) == e
        await settled(store)
    assert await store.get(entry(2).key, now_s=NOW_S) is None
    assert await store.find("h2", now_s=NOW_S) is None
    assert store.n_lost == 0


async def test_expiry_is_absolute(store: Store) -> None:
    e = entry(1)
    await store.put(e)
    assert await attach(store, "h1", expires_at_s=LATER_S + 99)
    for _ in range(2):
        assert await store.get(e.key, now_s=LATER_S - 0.001) == e
        assert await store.get(e.key, now_s=LATER_S) is None
        assert await store.find("h1", now_s=LATER_S) is None
        await settled(store)
    assert leads(store, now_s=LATER_S - 1) == ["h1"]
    assert leads(store, now_s=LATER_S) == []


async def test_a_newer_entry_takes_the_older_ones_place(store: Store) -> None:
    old = entry(1)
    new = replace(old, hit_id="h1b", body=b"new")
    await store.put(old)
    assert await attach(store, "h1")
    await store.put(new)
    await settled(store)
    assert await store.get(old.key, now_s=NOW_S) == new
    assert await store.find("h1", now_s=NOW_S) is None
    assert leads(store) == []


async def test_the_cap_holds_for_each_tenant_and_the_oldest_go(store: Store) -> None:
    await store.put(entry(99, tenant="other"))
    for n in range(8):
        await store.put(entry(n, expires_at_s=LATER_S + n))
    await settled(store)
    kept = [n for n in range(8) if await store.get(entry(n).key, now_s=NOW_S)]
    assert kept == [3, 4, 5, 6, 7]
    assert await store.get(entry(99).key, now_s=NOW_S) is not None


async def test_vectors_come_in_order_page_by_page(store: Store) -> None:
    for n in range(4):
        await store.put(entry(n))
    for n in (3, 0, 2):
        assert await attach(store, f"h{n}", vector=bytes([n]))
    assert await attach(store, "h1", partition=b"q")
    assert not await attach(store, "gone")
    assert not await attach(store, "h1", "gone")
    first = store.vectors_after(b"p", 0, now_s=NOW_S, limit=2)
    rest = store.vectors_after(b"p", first[-1].seq, now_s=NOW_S, limit=2)
    assert [(r.answer_id, r.vector) for r in first + rest] == [("h3", b"\3"), ("h0", b"\0"), ("h2", b"\2")]
    assert store.vectors_after(b"p", rest[-1].seq, now_s=NOW_S, limit=2) == []


async def test_a_group_goes_with_its_answer_and_a_prompt_with_its_entry(store: Store) -> None:
    for n in range(4):
        await store.put(entry(n))
        assert await attach(store, f"h{n}", "h0" if n < 3 else "h3")
    assert leads(store) == ["h0", "h0", "h0", "h3"]
    assert store.remove("h1")
    assert not store.remove("h1")
    assert leads(store) == ["h0", "h0", "h3"]
    assert store.remove("h0")
    assert leads(store) == ["h3"]
    assert await store.find("h2", now_s=NOW_S) is not None  # its own answer still stands


async def test_a_prompt_lives_no_longer_than_its_answer(store: Store) -> None:
    await store.put(entry(1, expires_at_s=NOW_S + 2000))
    await store.put(entry(2))
    assert await attach(store, "h2", "h1")
    assert leads(store, now_s=NOW_S + 1999) == ["h1"]
    assert leads(store, now_s=NOW_S + 2000) == []


async def test_nobody_is_led_to_another_tenants_answer(store: Store) -> None:
    await store.put(entry(1))
    await store.put(entry(2, tenant="other"))
    assert not await attach(store, "h2", "h1")
    assert leads(store) == []


async def test_a_prompt_attached_again_leads_elsewhere(store: Store) -> None:
    for n in (1, 2):
        await store.put(entry(n))
        assert await attach(store, f"h{n}", sketch=b"first")
    [seq] = [r.seq for r in store.vectors_after(b"p", 0, now_s=NOW_S, limit=9) if r.answer_id == "h2"]
    assert await attach(store, "h2", "h1", sketch=b"second")
    rows = store.vectors_after(b"p", 0, now_s=NOW_S, limit=9)
    assert [r.answer_id for r in rows] == ["h1", "h1"]
    assert rows[-1].seq > seq
    assert store.sketches(b"p", [seq, rows[-1].seq]) == {rows[-1].seq: b"second"}


async def test_sketches_are_those_of_living_rows_of_the_partition(store: Store) -> None:
    for n in (1, 2, 3):
        await store.put(entry(n))
        assert await attach(store, f"h{n}", "h1" if n == 2 else None, sketch=b"" if n == 3 else bytes([n]))
    seqs = [r.seq for r in store.vectors_after(b"p", 0, now_s=NOW_S, limit=9)]
    assert store.sketches(b"p", [*seqs, 999]) == dict(zip(seqs, (b"\1", b"\2", b""), strict=True))
    assert store.sketches(b"q", seqs) == store.sketches(b"p", []) == {}
    store.remove("h1")
    assert store.sketches(b"p", seqs) == {seqs[2]: b""}


async def test_records_add_up_and_go_with_their_answer(store: Store) -> None:
    await store.put(entry(1))
    for is_same in (True, False, True):
        store.judged("h1", is_same=is_same)
    store.judged("gone", is_same=True)
    await settled(store)
    assert store.records(["h1", "gone", "never"]) == {"h1": Record(2, 1)}
    assert store.records([]) == {}
    store.remove("h1")
    assert store.records(["h1"]) == {}


async def test_the_log_outlives_all_and_tallies_add_up(store: Store) -> None:
    store.note(b"one")
    store.count([Tally(7, "hit", 1, 0.5, 2.0), Tally(7, "miss", 1, 0.0, 0.0)])
    store.note(b"two")
    store.count([Tally(7, "hit", 2, 0.25, 1.0), Tally(8, "hit", 1, 0.0, 0.0)])
    store.count([])
    await settled(store)
    store.erase(tenant="t")
    (first, one), (second, two) = store.notes_after(0, limit=9)
    assert (one, two) == (b"one", b"two")
    assert [n for n, _ in store.notes_after(0, limit=1)] == [first]
    assert store.notes_after(first, limit=9) == [(second, b"two")]
    assert store.tallies(7) == [
        Tally(7, "hit", 3, 0.75, 3.0),
        Tally(7, "miss", 1, 0.0, 0.0),
        Tally(8, "hit", 1, 0.0, 0.0),
    ]
    assert store.tallies(8) == [Tally(8, "hit", 1, 0.0, 0.0)]


async def test_erase_takes_what_is_still_on_its_way(store: Store) -> None:
    await store.put(entry(1, user="ann"))
    await store.put(entry(2, user="bob"))
    await store.put(entry(3, tenant="other", user="ann"))
    assert store.erase(tenant="t", user="ann") == 1
    assert await store.get(entry(1).key, now_s=NOW_S) is None
    assert await store.find("h1", now_s=NOW_S) is None
    assert await store.get(entry(2).key, now_s=NOW_S) is not None
    assert store.erase(tenant="t") == 1
    assert store.erase(tenant="t") == 0
    assert await store.get(entry(3).key, now_s=NOW_S) is not None


async def test_a_text_that_is_no_unicode_loses_its_own_write_only(store: Store) -> None:
    await store.put(entry(1, tenant="\ud800"))
    await store.put(entry(2))
    await settled(store)
    assert await store.get(entry(1).key, now_s=NOW_S) is None
    assert await store.get(entry(2).key, now_s=NOW_S) is not None
    assert store.n_lost >= 1
    assert await store.find("\ud800", now_s=NOW_S) is None
    assert store.erase(tenant="\ud800") == 0
    assert not store.remove("\ud800")


async def test_a_closed_store_answers_nothing_and_breaks_nothing(store: Store) -> None:
    await store.close()
    await store.put(entry(1))
    store.judged("h1", is_same=True)
    store.note(b"x")
    store.count([Tally(1, "hit", 1, 0.0, 0.0)])
    assert await store.get(entry(1).key, now_s=NOW_S) is None
    assert await store.find("h1", now_s=NOW_S) is None
    assert leads(store) == []
    assert not store.sketches(b"p", [1])
    assert not store.records(["h1"])
    assert not store.notes_after(0, limit=1)
    assert not store.tallies(0)
    assert not await attach(store, "h1")
    with pytest.raises(StoreUnavailable):
        store.erase(tenant="t")
