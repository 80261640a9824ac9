"""Neighbours of a prompt: living ones only, with what is known of their answers, and none that are late."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.memory.cache.index import N_CANDIDATES
from stepwell.memory.cache.semantic import SemanticCache
from stepwell.memory.sqlite_store import SqliteStore
from stepwell.memory.store import Entry, Record, VectorRow

DIM = 32
NOW_S, EXPIRES_AT_S = 1000.0, 2000.0


def unit(seed: int) -> NDArray[np.float32]:
    vector = np.random.default_rng(seed).standard_normal(DIM).astype(np.float32)
    return vector / np.linalg.norm(vector)


def entry(n: int, *, tenant: str = "t", expires_at_s: float = EXPIRES_AT_S) -> Entry:
    return Entry(f"h{n}", n.to_bytes(32, "big"), tenant, "u", b"{}", "l", "m", 0.5, NOW_S, expires_at_s)


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    store = SqliteStore()
    yield store
    await store.close()


@pytest.fixture
async def cache(store: SqliteStore) -> AsyncIterator[SemanticCache]:
    cache = SemanticCache(store)
    yield cache
    cache.close()


async def keep(
    cache: SemanticCache,
    store: SqliteStore,
    n: int,
    answer: int | None = None,
    *,
    sketch: bytes = b"s",
    expires_at_s: float = EXPIRES_AT_S,
) -> None:
    made = entry(n, expires_at_s=expires_at_s)
    await store.put(made)
    answer_id = f"h{n if answer is None else answer}"
    assert await cache.keep(made, answer_id=answer_id, partition=b"p", vector=unit(n), sketch=sketch)


async def near(cache: SemanticCache, n: int, *, now_s: float = NOW_S) -> list[str]:
    found = await cache.nearest(b"p", unit(n), tenant="t", now_s=now_s)
    assert found is not None
    assert set(found.sizes) == {each.answer_id for each in found.near}
    assert set(found.records) <= set(found.sizes)
    return [each.answer_id for each in found.near]


async def test_neighbours_come_with_sketches_sizes_and_records(
    cache: SemanticCache, store: SqliteStore
) -> None:
    for n in range(3):
        await keep(cache, store, n, 0, sketch=b"sketch %d" % n if n else b"")
    await keep(cache, store, 3)
    store.judged("h0", is_same=True)
    store.judged("h0", is_same=False)
    await keep(cache, store, 4, sketch=b"four")
    found = await cache.nearest(b"p", unit(0), tenant="t", now_s=NOW_S)
    assert found is not None
    assert found.near[0].answer_id == "h0"
    assert found.near[0].similarity == pytest.approx(1.0, abs=1e-3)
    assert {(n.answer_id, n.sketch) for n in found.near} == {
        ("h0", None),
        ("h0", b"sketch 1"),
        ("h0", b"sketch 2"),
        ("h3", b"s"),
        ("h4", b"four"),
    }
    assert found.sizes == {"h0": 3, "h3": 1, "h4": 1}
    assert found.records == {"h0": Record(1, 1)}
    similarities = [n.similarity for n in found.near]
    assert similarities == sorted(similarities, reverse=True)


async def test_an_empty_partition_has_nobody(cache: SemanticCache) -> None:
    found = await cache.nearest(b"p", unit(0), tenant="t", now_s=NOW_S)
    assert found is not None
    assert (found.near, found.sizes, found.records) == ((), {}, {})


async def test_whose_answer_is_gone_is_no_neighbour(cache: SemanticCache, store: SqliteStore) -> None:
    for n in range(60):
        await keep(cache, store, n, 0)
    for n in range(60, 63):
        await keep(cache, store, n)
    assert "h0" in await near(cache, 1)
    store.remove("h5")  # a prompt of the group, not its answer
    assert "h0" in await near(cache, 5)
    found = await cache.nearest(b"p", unit(5), tenant="t", now_s=NOW_S)
    assert found is not None
    assert found.sizes["h0"] == 59
    store.remove("h0")
    assert set(await near(cache, 1)) == {"h60", "h61", "h62"}


async def test_what_expired_is_no_neighbour(cache: SemanticCache, store: SqliteStore) -> None:
    await keep(cache, store, 0, expires_at_s=NOW_S + 10)
    await keep(cache, store, 1, 0)
    await keep(cache, store, 2)
    assert len(await near(cache, 0, now_s=NOW_S + 9.9)) == 3
    assert await near(cache, 0, now_s=NOW_S + 10) == ["h2"]


async def test_what_was_erased_is_no_neighbour_before_and_after_it_is_let_go_of(
    cache: SemanticCache, store: SqliteStore
) -> None:
    for n in range(N_CANDIDATES + 4):
        await keep(cache, store, n)
    assert len(await near(cache, 0)) == N_CANDIDATES
    store.erase(tenant="t")
    assert await near(cache, 0) == []
    cache.clear()
    assert await near(cache, 0) == []
    await keep(cache, store, 99)
    assert await near(cache, 0) == ["h99"]


async def test_only_the_tenants_own_answer_is_found(cache: SemanticCache, store: SqliteStore) -> None:
    await keep(cache, store, 0)
    assert await cache.find("h0", tenant="t", now_s=NOW_S) == entry(0)
    assert await cache.find("h0", tenant="other", now_s=NOW_S) is None
    assert await cache.find("h0", tenant="t", now_s=EXPIRES_AT_S) is None


async def test_nothing_is_kept_for_an_entry_or_answer_that_is_gone(
    cache: SemanticCache, store: SqliteStore
) -> None:
    await store.put(entry(0))
    assert not await cache.keep(entry(1), answer_id="h0", partition=b"p", vector=unit(1), sketch=b"")
    assert not await cache.keep(entry(0), answer_id="h1", partition=b"p", vector=unit(1), sketch=b"")
    assert await near(cache, 0) == []


async def test_what_another_process_keeps_and_removes_is_seen(tmp_path: Path) -> None:
    here, there = SqliteStore(str(tmp_path / "c.db")), SqliteStore(str(tmp_path / "c.db"))
    cache, other = SemanticCache(here), SemanticCache(there)
    await keep(cache, here, 0)
    assert await near(cache, 0) == ["h0"]
    await keep(other, there, 1)
    assert await near(cache, 1) == ["h1", "h0"]
    there.remove("h0")
    assert await near(cache, 0) == ["h1"]
    for each in (cache, other):
        each.close()
    for store in (here, there):
        await store.close()


async def test_memory_is_bounded(store: SqliteStore) -> None:
    cache = SemanticCache(store, max_rows=20)
    for n in range(10):
        made = entry(n)
        await store.put(made)
        kept = await cache.keep(made, answer_id=made.hit_id, partition=bytes([n]), vector=unit(n), sketch=b"")
        assert kept
    for n in range(10):
        found = await cache.nearest(bytes([n]), unit(n), tenant="t", now_s=NOW_S)
        assert found is not None
        assert [each.answer_id for each in found.near] == [f"h{n}"]
        assert cache._index is not None
        assert cache._index.n_rows <= 20
    cache.close()


class Slow(SqliteStore):
    """Lets the index wait."""

    may_go = threading.Event()

    def vectors_after(self, partition: bytes, seq: int, *, now_s: float, limit: int) -> list[VectorRow]:
        self.may_go.wait(20)
        return super().vectors_after(partition, seq, now_s=now_s, limit=limit)


async def test_who_takes_too_long_is_not_waited_for() -> None:
    store = Slow()
    cache = SemanticCache(store)
    try:
        for _ in range(2):
            assert await cache.nearest(b"p", unit(0), tenant="t", now_s=NOW_S, timeout_s=0.02) is None
        store.may_go.set()
        assert await cache.nearest(b"p", unit(0), tenant="t", now_s=NOW_S, timeout_s=20) is not None
    finally:
        store.may_go.set()
        cache.close()
        await store.close()


async def test_many_ask_at_once_while_others_keep(cache: SemanticCache, store: SqliteStore) -> None:
    async def ask(n: int) -> int:
        await keep(cache, store, n)
        return len(await near(cache, n))

    counts = await asyncio.gather(*(ask(n) for n in range(50)))
    assert all(counts)
    assert len(await near(cache, 0)) == N_CANDIDATES
