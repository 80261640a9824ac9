"""The index finds what comparing each row would, at once where it can, and never what is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stepwell.memory.cache.filler import PAGE_ROWS
from stepwell.memory.cache.index import N_CANDIDATES, SemanticIndex
from stepwell.memory.cache.partition import MIN_DEAD
from stepwell.memory.store import VectorRow

DIM = 32
FAR_S = 1e12


class Rows:
    """A store's vectors, in lists."""

    def __init__(self) -> None:
        self.rows: dict[bytes, list[VectorRow]] = {}
        self.may_read = threading.Event()
        self.may_read.set()

    def add(
        self,
        answer_id: str,
        vector: NDArray[np.float32],
        *,
        partition: bytes = b"p",
        expires_at_s: float = FAR_S,
    ) -> None:
        rows = self.rows.setdefault(partition, [])
        seq = rows[-1].seq + 1 if rows else 1
        rows.append(VectorRow(seq, answer_id, vector.astype(np.float16).tobytes(), expires_at_s))

    def vectors_after(self, partition: bytes, seq: int, *, now_s: float, limit: int) -> list[VectorRow]:
        if seq:  # a fill's second page
            self.may_read.wait(20)
        rows = self.rows.get(partition, [])
        first = next((i for i, r in enumerate(rows) if r.seq > seq), len(rows)) if seq else 0
        return [r for r in rows[first : first + limit] if r.expires_at_s > now_s]

    def sketches(self, partition: bytes, seqs: Sequence[int]) -> dict[int, bytes]:
        raise NotImplementedError

    async def attach(
        self,
        hit_id: str,
        *,
        answer_id: str,
        partition: bytes,
        vector: bytes,
        sketch: bytes,
        expires_at_s: float,
    ) -> bool:
        raise NotImplementedError


@contextmanager
def opened(rows: Rows, **limits: int) -> Iterator[SemanticIndex]:
    index = SemanticIndex(rows, **limits)
    try:
        yield index
    finally:
        index.close()


def unit(seed: int) -> NDArray[np.float32]:
    vector = np.random.default_rng(seed).standard_normal(DIM).astype(np.float32)
    return vector / np.linalg.norm(vector)


def ids(
    index: SemanticIndex, query: NDArray[np.float32], partition: bytes = b"p", now_s: float = 0.0
) -> Sequence[str]:
    return [n.answer_id for n in index.nearest(partition, query, now_s=now_s)]


@settings(max_examples=50)
@given(st.integers(0, 700), st.integers(0, 2**32))
def test_finds_what_comparing_each_would(n: int, seed: int) -> None:
    rows, query = Rows(), unit(seed)
    for i in range(n):
        rows.add(str(i), unit(i))
    with opened(rows) as index:
        found = index.nearest(b"p", query, now_s=0.0)
    cosines = sorted((float(unit(i) @ query) for i in range(n)), reverse=True)[:N_CANDIDATES]
    assert [f.similarity for f in found] == pytest.approx(cosines, abs=2e-3)


def test_partitions_do_not_meet() -> None:
    rows = Rows()
    rows.add("a", unit(1), partition=b"p")
    rows.add("b", unit(1), partition=b"q")
    with opened(rows) as index:
        assert ids(index, unit(1), b"p") == ["a"]
        assert ids(index, unit(1), b"q") == ["b"]
        assert ids(index, unit(1), b"r") == []


def test_sees_what_was_added_since() -> None:
    rows = Rows()
    rows.add("a", unit(1))
    with opened(rows) as index:
        assert ids(index, unit(2)) == ["a"]
        rows.add("b", unit(2))
        assert ids(index, unit(2)) == ["b", "a"]


def test_counts_who_leads_where() -> None:
    rows = Rows()
    for i in range(3):
        rows.add("a", unit(i), expires_at_s=5.0 if i == 0 else FAR_S)
    rows.add("b", unit(9))
    with opened(rows) as index:
        seqs = [n.seq for n in index.nearest(b"p", unit(0), now_s=0.0) if n.answer_id == "a"]
        assert index.sizes(b"p", ["a", "b", "c"]) == {"a": 3, "b": 1, "c": 0}
        assert index.sizes(b"q", ["a"]) == {}
        ids(index, unit(0), now_s=6.0)
        assert index.sizes(b"p", ["a", "b"]) == {"a": 2, "b": 1}
        for _ in range(2):  # forgetting twice counts once
            index.forget(b"p", [*seqs, 99])
        assert index.sizes(b"p", ["a", "b"]) == {"a": 0, "b": 1}


def test_the_dead_do_not_crowd_out_the_living() -> None:
    rows = Rows()
    for i in range(MIN_DEAD):
        rows.add(f"dead{i}", unit(1), expires_at_s=5.0)
    rows.add("alive", unit(2))
    with opened(rows) as index:
        assert len(ids(index, unit(1), now_s=0.0)) == N_CANDIDATES
        assert ids(index, unit(1), now_s=4.9) != ["alive"]
        assert ids(index, unit(1), now_s=5.0) == ["alive"]  # within the second in which nobody sweeps


def test_what_is_forgotten_is_not_found() -> None:
    rows = Rows()
    rows.add("a", unit(1))
    with opened(rows) as index:
        found = index.nearest(b"p", unit(1), now_s=0.0)
        index.forget(b"p", [found[0].seq])
        assert ids(index, unit(1)) == []


@pytest.mark.parametrize("n", [2 * MIN_DEAD, 2 * PAGE_ROWS])  # filled anew at once, or in the background
def test_a_worn_partition_is_filled_anew(n: int) -> None:
    rows = Rows()
    for i in range(n):
        rows.add(str(i), unit(i))
    with opened(rows) as index:
        ids(index, unit(0))
        assert index.wait(20)
        n_before = index.n_rows
        index.forget(b"p", range(1, n))
        last = rows.rows[b"p"][-1]
        rows.rows[b"p"] = [last]  # the store dropped them too
        for _ in range(2):
            assert ids(index, unit(0)) == [last.answer_id]
            assert index.wait(20)
        assert index.n_rows == n_before - (n - 1)


def test_memory_is_bounded_and_what_was_dropped_is_read_again() -> None:
    rows = Rows()
    for p in range(20):
        for i in range(10):
            rows.add(f"{p}.{i}", unit(i), partition=bytes([p]))
    with opened(rows, max_rows=100) as index:
        for _ in range(2):
            for p in range(20):
                assert ids(index, unit(3), bytes([p]))[0] == f"{p}.3"
                assert index.n_rows <= 100
        index.clear()
        assert index.n_rows == 0
        assert ids(index, unit(3), b"\x05")[0] == "5.3"


def test_a_large_partition_is_filled_while_it_is_searched() -> None:
    rows = Rows()
    n = 4 * PAGE_ROWS
    for i in range(n):
        rows.add(str(i), unit(i))
    with opened(rows) as index:
        rows.may_read.clear()
        assert ids(index, unit(7))[0] == "7"  # of the first page
        assert str(n - 1) not in ids(index, unit(n - 1))
        assert not index.wait(0)
        rows.may_read.set()
        assert index.wait(20)
        assert ids(index, unit(n - 1))[0] == str(n - 1)
        index.clear()
        assert ids(index, unit(n - 1))[0] == str(n - 1)  # the old one is searched meanwhile
        assert index.wait(20)
        rows.add("new", unit(n))
        assert ids(index, unit(n))[0] == "new"


def test_beyond_a_size_only_the_nearest_clusters_are_compared() -> None:
    rows = Rows()
    n = 3 * PAGE_ROWS
    for i in range(n):
        rows.add(str(i), unit(i))
    with opened(rows, max_flat_rows=PAGE_ROWS) as index:
        ids(index, unit(0))
        n_most = 0
        while not index.wait(0.001):  # what is about to be replaced is not filled on meanwhile
            ids(index, unit(0))
            held = index._partitions[b"p"].index
            n_most = max(n_most, 0 if held.is_clustered else len(held))
        assert n_most < n
        assert index._partitions[b"p"].index.is_clustered
        assert [ids(index, unit(i))[0] for i in range(0, n, 101)] == [str(i) for i in range(0, n, 101)]
        index.forget(b"p", [1])
        assert "0" not in ids(index, unit(0))
        index.clear()  # filled anew, with the same clusters
        assert index.wait(20)
        assert index._partitions[b"p"].index.is_clustered
        assert ids(index, unit(n - 1))[0] == str(n - 1)


def test_vectors_of_another_width_are_left_out() -> None:
    rows = Rows()
    rows.add("wide", np.ones(2 * DIM, np.float32))
    rows.add("a", unit(1))
    with opened(rows) as index:
        assert ids(index, unit(1)) == ["a"]
        assert ids(index, np.ones(2 * DIM, np.float32)) == []


def test_eight_threads_add_and_search_without_a_crash() -> None:
    rows = Rows()
    lock, ends_at_s = threading.Lock(), time.monotonic() + 2.0
    n_found = [0] * 8
    errors: list[Exception] = []

    def work(me: int) -> None:
        i = 0
        try:
            while time.monotonic() < ends_at_s:
                i += 1
                partition = bytes([i % 4])
                with lock:
                    rows.add(f"{me}.{i}", unit(i % 500), partition=partition)
                found = index.nearest(partition, unit(i % 500), now_s=0.0)
                n_found[me] += len(found)
                if i % 50 == 0:
                    index.forget(partition, [n.seq for n in found])
                if me == 0 and i % 400 == 0:
                    index.clear()
        except Exception as e:  # noqa: BLE001 - shown by the assert below
            errors.append(e)

    # small enough that partitions are dropped and clustered meanwhile
    with opened(rows, max_rows=6000, max_flat_rows=1500) as index:
        threads = [threading.Thread(target=work, args=(me,)) for me in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert errors == []
    assert all(n_found)
