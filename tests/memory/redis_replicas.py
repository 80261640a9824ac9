"""Replicas on one Redis, for tests; and one in a process of its own (`python redis_replicas.py URL`)."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from stepwell.memory.redis_store import RedisStore
from stepwell.memory.sqlite_store import SqliteStore
from stepwell.memory.store import Entry

TTL_S = 300.0
PATIENCE_S = 30.0


def entry(
    n: int | str, *, tenant: str = "t", user: str = "u", ttl_s: float = TTL_S, body: bytes = b"{}"
) -> Entry:
    now_s, name = time.time(), str(n)
    return Entry(
        f"h{name}",
        name.encode().ljust(32, b"."),
        tenant,
        user,
        body,
        "local",
        "m",
        0.5,
        now_s,
        now_s + ttl_s,
        1.5,
    )


async def attach(store: RedisStore, hit_id: str, answer_id: str | None = None) -> bool:
    return await store.attach(
        hit_id,
        answer_id=answer_id or hit_id,
        partition=b"p",
        vector=hit_id.encode(),
        sketch=b"s" + hit_id.encode(),
        expires_at_s=time.time() + TTL_S,
    )


def leads(store: RedisStore) -> list[tuple[str, bytes]]:
    rows = store.vectors_after(b"p", 0, now_s=time.time(), limit=999)
    return sorted((row.answer_id, row.vector) for row in rows)


async def serves(store: RedisStore, wanted: Entry) -> bool:
    return await store.get(wanted.key, now_s=time.time()) == wanted


async def until(is_true: Callable[[], object]) -> None:
    """Wait for what a busy machine may take long to do."""
    for _ in range(int(PATIENCE_S / 0.01)):
        if is_true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


async def until_served(store: RedisStore, wanted: Entry, *, is_served: bool = True) -> None:
    for _ in range(int(PATIENCE_S / 0.01)):
        if await serves(store, wanted) is is_served:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("served" if not is_served else "not served")


@asynccontextmanager
async def replica(url: str, *, cap: int = 1000, waits: bool = True) -> AsyncIterator[RedisStore]:
    local = SqliteStore(max_entries_per_tenant=cap)
    store = RedisStore(url, local=local, max_entries_per_tenant=cap)
    try:
        if waits:
            await until(lambda: not store.is_exact_only)
        yield store
    finally:
        await store.close()


async def _tell(url: str) -> None:
    """Say each entry's name when it begins and when it ends to be served here, with the time."""
    async with replica(url) as store:
        print("ready", time.time(), flush=True)
        begun: set[int] = set()
        ended: set[int] = set()
        while len(ended) < 3:
            for n in {0, 1, 2} - ended:
                is_served = await serves_now(store, n)
                if is_served is (n in begun):
                    await asyncio.sleep(0.002)
                    continue
                print("begins" if is_served else "ends", n, time.time(), flush=True)
                (begun if is_served else ended).add(n)


async def serves_now(store: RedisStore, n: int) -> bool:
    return await store.get(entry(n).key, now_s=time.time()) is not None


if __name__ == "__main__":
    asyncio.run(_tell(sys.argv[1]))
