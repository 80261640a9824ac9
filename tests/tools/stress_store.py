"""Treat the cache's stores badly, and print what came of it.

Run as `python -m tests.tools.stress_store [--kills 100] [--threads-s 60] [--redis-s 10]`; 0 leaves a part out. Exits 1
where a promise was broken: a file that does not open or holds torn entries, a write lost that was older than a second,
an entry served a second after it was erased on another replica, a call that waited 250 ms for a frozen Redis.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from stepwell.base.errors import StoreUnavailable
from stepwell.memory.cache.semantic import SemanticCache
from stepwell.memory.redis_store import RedisStore
from stepwell.memory.sqlite_store import SqliteStore
from tests.memory import redis_replicas
from tests.memory.killing import READ_AT_S, faults, killed_while_it_writes, made
from tests.router.redis_server import Server

N_THREADS = 8
MAX_WAIT_S = 0.25
MAX_SERVED_S = 1.0


async def kill(folder: Path, n_kills: int) -> list[str]:
    """Kill a writing process again and again, at random points."""
    rng, first, found, n_lost, longest_s = random.Random(7), 0, [], 0, 0.0
    path = str(folder / "killed.db")
    for _ in range(n_kills):
        said = killed_while_it_writes(path, first, after_s=rng.uniform(0, 0.4))
        found += await faults(path, first, said)
        store = SqliteStore(path)
        for n, age_s in said.sent.items():
            if made(n).tenant != "doomed" and await store.get(made(n).key, now_s=READ_AT_S) is None:
                n_lost, longest_s = n_lost + 1, max(longest_s, age_s)
        await store.close()
        first = max(said.sent) + 1
    print(
        f"kill -9: {n_kills} times in {first} writes; {len(found)} faults; {n_lost} unconfirmed writes lost, "
        f"the oldest sent {1000 * longest_s:.0f} ms before"
    )
    return found


def crowd(folder: Path, for_s: float) -> list[str]:
    """Let threads write, read, search and erase in one store, all at once."""
    store, found, ends_at_s = SqliteStore(str(folder / "crowd.db")), [], time.monotonic() + for_s
    cache, n_calls = SemanticCache(store), [0] * N_THREADS

    async def work(me: int) -> None:
        rng = np.random.default_rng(me)
        while time.monotonic() < ends_at_s:
            n = int(rng.integers(0, 3000))
            entry, partition = made(n), bytes([n % 3])
            vector = np.random.default_rng(n).standard_normal(64).astype(np.float32)
            vector /= np.linalg.norm(vector)
            await store.put(entry)
            await store.attach(
                entry.hit_id,
                answer_id=entry.hit_id,
                partition=partition,
                vector=vector.astype(np.float16).tobytes(),
                sketch=entry.body,
                expires_at_s=entry.expires_at_s,
            )
            for m in rng.integers(0, 3000, 20).tolist():
                got = await store.get(made(m).key, now_s=READ_AT_S)
                if got is not None and got != made(m):
                    found.append(f"{m} is torn")
            near = await cache.nearest(partition, vector, tenant="t", now_s=READ_AT_S)
            for each in near.near if near is not None else ():
                owner = await cache.find(each.answer_id, tenant="t", now_s=READ_AT_S)
                if owner is not None and owner.body != each.sketch:
                    found.append("a neighbour's sketch is another's")
            if n % 50 == 0:
                store.erase(tenant="doomed")
            if n % 20 == 0:
                store.remove(entry.hit_id)
            n_calls[me] += 1

    def run(me: int) -> None:
        try:
            asyncio.run(work(me))
        except Exception as e:  # noqa: BLE001 - a thread's end of any kind is what we look for
            found.append(f"thread {me}: {type(e).__name__}: {e}")

    threads = [threading.Thread(target=run, args=(me,)) for me in range(N_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cache.close()
    if store._connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
        found.append("the file is corrupt")
    print(
        f"{N_THREADS} threads for {for_s:.0f} s: {sum(n_calls)} rounds, {len(found)} faults, {store.n_lost} lost"
    )
    asyncio.run(store.close())
    return found


async def replicas(folder: Path, for_s: float) -> list[str]:
    """Erase on one replica and look at another process; then freeze Redis and time every call."""
    server = Server(folder)
    server.start()
    try:
        late = [await _erased(server) for _ in range(max(1, int(for_s // 4)))]
        print(f"erased, expired: served elsewhere for {1000 * max(late):.0f} ms more at most")
        before, waits = await _frozen(server, for_s)
        print(f"longest waits in ms while Redis answers for {for_s:.0f} s: {_shown(before)}")
        print(f"and while it is frozen for {for_s:.0f} s: {_shown(waits)}")
    finally:
        server.stop()
    found = ["served too long elsewhere"] * (max(late) > MAX_SERVED_S)
    return found + [f"{name} waited {s:.3f} s" for name, s in waits.items() if s > MAX_WAIT_S]


def _shown(waits: dict[str, float]) -> str:
    return ", ".join(f"{name} {1000 * s:.2f}" for name, s in waits.items())


async def _erased(server: Server) -> float:
    process = await asyncio.create_subprocess_exec(
        sys.executable, redis_replicas.__file__, server.url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with redis_replicas.replica(server.url) as one:
        await process.stdout.readline()
        entries = [redis_replicas.entry(n, tenant=f"t{n}", ttl_s=3.0 if n == 0 else 300) for n in range(3)]
        for entry in entries:
            await one.put(entry)
        for _ in range(3):
            await process.stdout.readline()
        ends_s = {0: entries[0].expires_at_s}
        for n in (1, 2):
            ends_s[n] = time.time()
            await asyncio.to_thread(one.erase, tenant=f"t{n}")
        late = 0.0
        for _ in range(3):
            _, which, at_s = (await process.stdout.readline()).split()
            late = max(late, float(at_s) - ends_s[int(which)])
    await process.wait()
    return late


async def _frozen(server: Server, for_s: float) -> tuple[dict[str, float], dict[str, float]]:
    async with redis_replicas.replica(server.url) as one:
        before = await _waits(one, 10, for_s)
        server.signal(signal.SIGSTOP)
        frozen = await _waits(one, 1_000_000, for_s)
        began_s = time.perf_counter()
        try:
            one.erase(tenant="nobody")
        except StoreUnavailable:
            frozen["erase, refused"] = time.perf_counter() - began_s
        n_untold = len(one._outbox)
        server.signal(signal.SIGCONT)
        began_s = time.perf_counter()
        await redis_replicas.until(lambda: not one.is_exact_only and not one._outbox.waiting())
        print(f"back, and {n_untold} changes told, {time.perf_counter() - began_s:.2f} s after the thaw")
    return before, frozen


async def _waits(one: RedisStore, n: int, for_s: float) -> dict[str, float]:
    """The longest each call took, in s."""
    waits = dict.fromkeys(("get", "find", "put", "attach", "evidence"), 0.0)
    known, ends_at_s = redis_replicas.entry(n), time.monotonic() + for_s
    await one.put(known)
    while time.monotonic() < ends_at_s:
        n += 1
        entry = redis_replicas.entry(n)
        for name, call in (
            ("put", one.put(entry)),
            ("get", one.get(known.key, now_s=time.time())),
            ("find", one.find(entry.hit_id, now_s=time.time())),
            ("attach", redis_replicas.attach(one, entry.hit_id)),
        ):
            began_s = time.perf_counter()
            await call
            waits[name] = max(waits[name], time.perf_counter() - began_s)
        began_s = time.perf_counter()
        one.judged(entry.hit_id, is_same=True)
        one.note(b"x" * 100)
        one.records([entry.hit_id])
        waits["evidence"] = max(waits["evidence"], time.perf_counter() - began_s)
    return waits


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--threads-s", type=float, default=60)
    parser.add_argument("--redis-s", type=float, default=10)
    asked = parser.parse_args()
    found: list[str] = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        if asked.kills:
            found += asyncio.run(kill(folder, asked.kills))
        if asked.threads_s:
            found += crowd(folder, asked.threads_s)
        if asked.redis_s:
            found += asyncio.run(replicas(folder, asked.redis_s))
    for fault in found[:20]:
        print(fault)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
