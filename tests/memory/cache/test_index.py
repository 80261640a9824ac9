from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stepwell.memory.cache.index import MIN_DEAD, N_CANDIDATES, SemanticIndex
from stepwell.memory.store import VectorRow

DIM = 32
FAR_S = 1e12


class Rows:
    """A store's vectors, in a list."""

    def __init__(self) -> None:
        self.rows: dict[bytes, list[VectorRow]] = {}
        self.n_reads = 0

    def add(
        self,
        hit_id: str,
        vector: NDArray[np.float32],
        *,
        partition: bytes = b"p",
        expires_at_s: float = FAR_S,
    ) -> None:
        rows = self.rows.setdefault(partition, [])
        rows.append(VectorRow(len(rows) + 1, hit_id, vector.astype(np.float16).tobytes(), expires_at_s))

    def vectors_after(self, partition: bytes, seq: int, *, now_s: float, limit: int) -> list[VectorRow]:
        self.n_reads += 1
        return [r for r in self.rows.get(partition, [])[seq : seq + limit] if r.expires_at_s > now_s]

    async def attach(self, hit_id: str, *, partition: bytes, vector: bytes, expires_at_s: float) -> bool:
        raise NotImplementedError


def unit(seed: int) -> NDArray[np.float32]:
    vector = np.random.default_rng(seed).standard_normal(DIM).astype(np.float32)
    return vector / np.linalg.norm(vector)


def ids(
    index: SemanticIndex,
    query: NDArray[np.float32],
    partition: bytes = b"p",
    now_s: float = 0.0,
    least: float = -1.0,
) -> Sequence[str]:
    return [n.hit_id for n in index.nearest(partition, query, min_similarity=least, now_s=now_s)]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 700), st.integers(0, 2**32), st.floats(-1, 1))
def test_finds_what_comparing_each_would(n: int, seed: int, least: float) -> None:
    rows, query = Rows(), unit(seed)
    for i in range(n):
        rows.add(str(i), unit(i))
    found = SemanticIndex(rows).nearest(b"p", query, min_similarity=least, now_s=0.0)
    cosines = sorted((float(unit(i) @ query) for i in range(n)), reverse=True)[:N_CANDIDATES]
    assert [f.similarity for f in found] == pytest.approx(
        [c for c in cosines if c >= least + 1e-3], abs=2e-3
    ) or (
        # rounding to half precision may move one over the edge
        any(abs(c - least) <= 2e-3 for c in cosines)
    )
    assert all(f.similarity >= least for f in found)


def test_partitions_do_not_meet() -> None:
    rows = Rows()
    rows.add("a", unit(1), partition=b"p")
    rows.add("b", unit(1), partition=b"q")
    index = SemanticIndex(rows)
    assert ids(index, unit(1), b"p") == ["a"]
    assert ids(index, unit(1), b"q") == ["b"]
    assert ids(index, unit(1), b"r") == []


def test_sees_what_was_added_since() -> None:
    rows = Rows()
    rows.add("a", unit(1))
    index = SemanticIndex(rows)
    assert ids(index, unit(2)) == ["a"]
    rows.add("b", unit(2))
    assert ids(index, unit(2)) == ["b", "a"]


def test_the_dead_do_not_crowd_out_the_living() -> None:
    rows = Rows()
    for i in range(MIN_DEAD):
        rows.add(f"dead{i}", unit(1), expires_at_s=5.0)
    rows.add("alive", unit(2))
    index = SemanticIndex(rows)
    assert len(ids(index, unit(1), now_s=0.0)) == N_CANDIDATES
    assert ids(index, unit(1), now_s=10.0) == ["alive"]


def test_what_is_forgotten_is_not_found() -> None:
    rows = Rows()
    rows.add("a", unit(1))
    index = SemanticIndex(rows)
    assert ids(index, unit(1)) == ["a"]
    index.forget(b"p", "a")
    assert ids(index, unit(1)) == []


def test_a_worn_partition_is_filled_anew() -> None:
    rows = Rows()
    for i in range(2 * MIN_DEAD):
        rows.add(str(i), unit(i))
    index = SemanticIndex(rows)
    ids(index, unit(0))
    n_before = index.n_rows
    for i in range(2 * MIN_DEAD - 1):
        index.forget(b"p", str(i))
    last = rows.rows[b"p"][-1]
    rows.rows[b"p"] = [
        VectorRow(1, last.hit_id, last.vector, last.expires_at_s)
    ]  # the store dropped them too
    assert ids(index, unit(0)) == [last.hit_id]
    assert index.n_rows == n_before - (2 * MIN_DEAD - 1)


def test_memory_is_bounded_and_what_was_dropped_is_read_again() -> None:
    rows = Rows()
    for p in range(20):
        for i in range(10):
            rows.add(f"{p}.{i}", unit(i), partition=bytes([p]))
    index = SemanticIndex(rows, max_rows=100)
    for _ in range(2):
        for p in range(20):
            assert ids(index, unit(3), bytes([p]))[0] == f"{p}.3"
            assert index.n_rows <= 100
    index.clear()
    assert index.n_rows == 0
    assert ids(index, unit(3), b"\x05")[0] == "5.3"


def test_vectors_of_another_width_are_left_out() -> None:
    rows = Rows()
    rows.add("wide", np.ones(2 * DIM, np.float32))
    rows.add("a", unit(1))
    assert ids(SemanticIndex(rows), unit(1)) == ["a"]


def test_eight_threads_add_and_search_without_a_crash() -> None:
    rows = Rows()
    index = SemanticIndex(rows, max_rows=3000)  # small enough that partitions are dropped meanwhile
    lock, ends_at_s = threading.Lock(), time.monotonic() + 3.0
    n_found, errors = [0] * 8, []

    def work(me: int) -> None:
        i = 0
        try:
            while time.monotonic() < ends_at_s:
                i += 1
                partition = bytes([i % 4])
                with lock:
                    rows.add(f"{me}.{i}", unit(i % 500), partition=partition)
                n_found[me] += len(ids(index, unit(i % 500), partition, least=0.99))
                if i % 50 == 0:
                    index.forget(partition, f"{me}.{i}")
        except Exception as e:  # noqa: BLE001 - shown by the assert below
            errors.append(e)

    threads = [threading.Thread(target=work, args=(me,)) for me in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []
    assert all(n_found)
