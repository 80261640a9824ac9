"""What search by meaning costs from 10,000 to a million entries in one partition.

Run as `python -m tests.bench.cache_index [--rows 10000 100000 1000000]`. Prompts are synthetic: unit vectors of 384
numbers around centres in topics, as real ones lie; each query is another prompt of some centre. Each size runs in a
process of its own: a SQLite file is written, and an index is filled from it as after a restart. Recall is against
comparing all.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
from numpy.typing import NDArray

DIM = 384
N_TOPICS = 300
N_CENTRES = 20_000
N_QUERIES = 300
N_NEAR = 8
CHUNK = 2_000
FAR_S = 4e9
Vectors = NDArray[np.float32]


class Row(msgspec.Struct):
    """One size's figures; times in ms, but for those in s."""

    n_rows: int
    fill_s: float
    first_ms: float
    meanwhile_ms: float
    flat_ms: float
    kept_ms: float
    whole_ms: float
    recall_1: float
    recall_8: float
    add_us: float
    mib: float
    file_mib: float


def prompts(n: int, seed: int) -> Iterator[Vectors]:
    """`n` unit vectors, in pieces."""
    rng = np.random.default_rng(1)
    topics = _units(rng.standard_normal((N_TOPICS, DIM)))
    apart = _units(rng.standard_normal((N_CENTRES, DIM)))
    centres = _units(topics[rng.integers(0, N_TOPICS, N_CENTRES)] + apart)
    rng = np.random.default_rng(seed)
    for first in range(0, n, CHUNK):
        size = min(CHUNK, n - first)
        noise = _units(rng.standard_normal((size, DIM))) * rng.uniform(0.2, 0.8, (size, 1))
        yield _units(centres[rng.integers(0, N_CENTRES, size)] + noise)


def _units(vectors: NDArray[np.floating]) -> Vectors:
    units: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return units


def write(path: str, n: int) -> None:
    """A cache's file with `n` entries, each leading to its own answer."""
    from stepwell.memory.schema import connect

    connection, first = connect(path), 0
    connection.execute("PRAGMA foreign_keys=OFF")  # rows come in the right order
    for vectors in prompts(n, seed=2):
        ids = range(first, first + len(vectors))
        first += len(vectors)
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO entries VALUES (NULL, ?, ?, 't', 'u', ?, 'l', 'm', 0, 1, ?, 1)",
            [(str(i), i.to_bytes(32, "big"), b"x" * 200, FAR_S) for i in ids],
        )
        connection.executemany(
            "INSERT INTO vectors VALUES (NULL, ?, ?, ?, ?, ?)",
            [
                (str(i), b"p", v.tobytes(), FAR_S, str(i))
                for i, v in zip(ids, vectors.astype(np.float16), strict=True)
            ],
        )
        connection.execute("COMMIT")
    connection.close()


def measure(path: str, n: int) -> Row:
    """Fill, search, compare."""
    from stepwell.memory.cache import faiss_rows
    from stepwell.memory.cache.index import SemanticIndex
    from stepwell.memory.cache.semantic import SemanticCache
    from stepwell.memory.sqlite_store import SqliteStore

    queries = np.concatenate(list(prompts(N_QUERIES, seed=3)))
    store = SqliteStore(path, max_entries_per_tenant=10**9)
    faiss_rows.flat(DIM).search(queries[:1], 1)  # FAISS is loaded
    gc.collect()
    before_mib = _rss_mib()
    index = SemanticIndex(store, max_rows=10**9)
    began_s = time.perf_counter()
    first_ms = _search_ms(index, queries[:1])[0]
    meanwhile: list[float] = []
    while not index.wait(0.005):
        meanwhile += _search_ms(index, queries[len(meanwhile) % N_QUERIES][None])
    fill_s = time.perf_counter() - began_s
    _search_ms(index, queries[:1])
    assert index.wait()
    kept_ms = median(_search_ms(index, queries))
    mib = _rss_mib() - before_mib
    found = [[f.seq - 1 for f in index.nearest(b"p", q, now_s=1.0)] for q in queries]
    whole_ms = asyncio.run(_whole_ms(SemanticCache(store), index, queries))
    add_us = _add_us(index, queries)
    truth, flat_ms = _flat(n, queries)
    return Row(
        n_rows=n,
        fill_s=fill_s,
        first_ms=first_ms,
        meanwhile_ms=max(meanwhile, default=first_ms),
        flat_ms=flat_ms,
        kept_ms=kept_ms,
        whole_ms=whole_ms,
        recall_1=float(np.mean([f[0] == t[0] for f, t in zip(found, truth, strict=True)])),
        recall_8=float(np.mean([len({*f} & {*t}) / N_NEAR for f, t in zip(found, truth, strict=True)])),
        add_us=add_us,
        mib=mib,
        file_mib=Path(path).stat().st_size / 2**20,
    )


def _search_ms(index: object, queries: Vectors) -> list[float]:
    from stepwell.memory.cache.index import SemanticIndex

    assert isinstance(index, SemanticIndex)
    took = []
    for query in queries:
        began_s = time.perf_counter()
        index.nearest(b"p", query, now_s=1.0)
        took.append(1000 * (time.perf_counter() - began_s))
    return took


def _add_us(index: object, queries: Vectors) -> float:
    """One more row: what a search takes longer that takes it over."""
    from stepwell.memory.cache.index import SemanticIndex
    from stepwell.memory.store import VectorRow

    assert isinstance(index, SemanticIndex)
    held = index._partitions[b"p"].index
    took = []
    for i, query in enumerate(queries[:100]):
        row = VectorRow(held.last_seq + 1, f"new{i}", query.astype(np.float16).tobytes(), FAR_S)
        began_s = time.perf_counter()
        held.add([row])
        took.append(1e6 * (time.perf_counter() - began_s))
    return median(took)


async def _whole_ms(cache: object, index: object, queries: Vectors) -> float:
    """From the event loop, through the thread, with sketches, sizes and records."""
    from stepwell.memory.cache.semantic import SemanticCache

    assert isinstance(cache, SemanticCache)
    cache._index = index  # type: ignore[assignment]
    took = []
    for query in queries:
        began_s = time.perf_counter()
        await cache.nearest(b"p", query, tenant="t", now_s=1.0)
        took.append(1000 * (time.perf_counter() - began_s))
    cache.close()
    return median(took)


def _flat(n: int, queries: Vectors) -> tuple[list[list[int]], float]:
    """The nearest rows by comparing all, and how long that takes."""
    from stepwell.memory.cache import faiss_rows

    gc.collect()
    faiss_rows.keep_to_one_thread()
    flat, took = faiss_rows.flat(DIM), []
    for vectors in prompts(n, seed=2):
        flat.add(vectors.astype(np.float16).astype(np.float32))
    found = []
    for query in queries:
        began_s = time.perf_counter()
        found.append(flat.search(query[None], N_NEAR)[1][0].tolist())
        took.append(1000 * (time.perf_counter() - began_s))
    return found, median(took)


def _rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def show(rows: list[Row]) -> None:
    print(f"search by meaning, one partition (load average {os.getloadavg()[0]:.1f}); p50 in ms unless said")
    print(
        f"{'rows':>9} {'search':>7} {'whole':>7} {'flat':>7} {'recall@1':>9} {'@8':>6} {'add us':>7} "
        f"{'fill s':>7} {'1st ms':>7} {'worst ms':>9} {'MiB':>6} {'file MiB':>9}"
    )
    for r in rows:
        print(
            f"{r.n_rows:9,} {r.kept_ms:7.3f} {r.whole_ms:7.3f} {r.flat_ms:7.3f} {r.recall_1:9.3f} "
            f"{r.recall_8:6.3f} {r.add_us:7.0f} {r.fill_s:7.1f} {r.first_ms:7.1f} {r.meanwhile_ms:9.1f} "
            f"{r.mib:6.0f} {r.file_mib:9.0f}",
            flush=True,
        )
    print(
        "search: the index alone; whole: from the event loop, with sketches, sizes and records; flat: comparing all;"
    )
    print("fill: from SQLite in the background; 1st: the first search; worst: the slowest of those meanwhile")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one is not None:
        print(msgspec.json.encode(measure(asked.one, asked.rows[0])).decode())
        return
    rows = []
    with TemporaryDirectory() as folder:
        for n in asked.rows:
            path = str(Path(folder) / f"{n}.db")
            write(path, n)
            args = [sys.executable, "-m", "tests.bench.cache_index", "--rows", str(n), "--one", path]
            said = subprocess.run(args, check=True, stdout=subprocess.PIPE).stdout
            rows.append(msgspec.json.decode(said, type=Row))
            Path(path).unlink()
    show(rows)


if __name__ == "__main__":
    main()
