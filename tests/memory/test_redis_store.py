"""Replicas on a real Redis: what one does, all do; what Redis can't confirm is not served."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.base.errors import ConfigError, StoreUnavailable
from stepwell.memory.redis import keys, outbox
from stepwell.memory.redis.changes import note
from stepwell.memory.redis.outbox import Outbox
from stepwell.memory.redis_store import RedisStore
from stepwell.memory.sqlite_store import SqliteStore
from stepwell.memory.store import Record, Tally
from tests.memory import redis_replicas
from tests.memory.redis_replicas import attach, entry, leads, replica, serves, until, until_served
from tests.router.redis_server import Server


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(shared_server: Server) -> Server:
    if shared_server.process is None:
        shared_server.start()
    with redis.Redis(port=shared_server.port) as client:
        client.flushall()
    return shared_server


@pytest.fixture
def url(server: Server) -> str:
    return f"{server.url}?socket_timeout=20"  # a busy test machine is not a dead Redis


async def test_what_one_does_all_know(url: str) -> None:
    async with replica(url) as one, replica(url) as two:
        first, second = entry(1), entry(2)
        await one.put(first)
        assert await attach(one, "h1")
        await until_served(two, first)
        await two.put(second)
        assert await two.find("h1", now_s=time.time()) == first
        await until(lambda: leads(two))
        assert await attach(two, "h2", "h1")
        for hour in (1, 2):
            one.count([Tally(hour, "hit", 1, 0.5, 2.0)])
            two.count([Tally(hour, "hit", 2, 0.25, 1.0)])
        one.judged("h1", is_same=True)
        two.judged("h1", is_same=False)
        one.note(b"one")
        two.note(b"two")
        async with replica(url) as three:
            for each in (one, two, three):
                await until_served(each, first)
                await until_served(each, second)
                await until(partial(_knows_all, each))
                rows = each.vectors_after(b"p", 0, now_s=time.time(), limit=9)
                assert {*each.sketches(b"p", [r.seq for r in rows]).values()} == {b"sh1", b"sh2"}
                assert each.n_lost == 0


def _knows_all(store: RedisStore) -> bool:
    return (
        leads(store) == [("h1", b"h1"), ("h1", b"h2")]
        and store.records(["h1", "h2"]) == {"h1": Record(1, 1)}
        and {note for _, note in store.notes_after(0, limit=9)} == {b"one", b"two"}
        and store.tallies(0) == [Tally(hour, "hit", 3, 0.75, 3.0) for hour in (1, 2)]
    )


def _leads_to(store: RedisStore, answer_ids: list[str]) -> bool:
    return [answer_id for answer_id, _ in leads(store)] == answer_ids


async def test_what_one_removes_or_erases_is_gone_everywhere(url: str) -> None:
    async with replica(url) as one, replica(url) as two:
        kept = [entry(n, tenant="t" if n < 4 else "other", user="ann" if n % 2 else "bob") for n in range(6)]
        for e in kept:
            await one.put(e)
            assert await attach(one, e.hit_id)
            await until_served(two, e)
        assert two.remove("h0")
        assert not two.remove("never")
        assert two.erase(tenant="t", user="ann") == 2
        for each in (one, two):
            for n in (0, 1, 3):
                await until_served(each, kept[n], is_served=False)
            await until(partial(_leads_to, each, ["h2", "h4", "h5"]))
        assert one.erase(tenant="t") == 1
        await until_served(two, kept[2], is_served=False)
        assert await serves(two, kept[4])
        with redis.Redis.from_url(url) as client:
            assert client.zcard(keys.ALL) == 2


async def test_a_newer_entry_takes_over_who_leads_to_the_older_one_everywhere(url: str) -> None:
    async with replica(url) as one, replica(url) as two:
        for n in (1, 2, 3):
            await one.put(entry(n))
            assert await attach(one, f"h{n}", "h1")
        one.judged("h1", is_same=True)
        one.judged("h1", is_same=False)
        await until(lambda: _leads_to(two, ["h1"] * 3))
        newer = replace(entry(1), hit_id="newer", body=b"newer")
        await two.put(newer)
        await until_served(one, newer)
        assert await attach(two, "newer")
        async with replica(url) as three:
            for each in (one, two, three):
                await until(partial(_leads_to, each, ["newer"] * 3))
                await until(lambda each=each: each.records(["h1", "newer"]) == {"newer": Record(1, 1)})  # type: ignore[misc]


async def test_no_name_of_who_was_erased_stays_in_redis(url: str) -> None:
    async with replica(url) as one, replica(url) as two:
        for user in ("ann-of-gdpr", "bob-of-gdpr"):
            e = replace(entry(1), tenant="acme-of-gdpr", user=user)
            await one.put(e)
            await until_served(two, e)
            assert one.erase(tenant=e.tenant, user=user if user.startswith("ann") else None) == 1
            await until_served(two, e, is_served=False)
        with redis.Redis.from_url(url) as client:
            left = [client.xrange(keys.LOG), client.xrange(keys.NOTES), client.keys()]
            assert client.zcard(keys.ALL) == 0
        assert b"z" in {message[b"o"] for _, message in left[0]}
        assert "of-gdpr" not in str(left)


async def test_nothing_erased_comes_back_from_a_replica_that_had_not_told_it_yet(url: str) -> None:
    async with replica(url) as one, replica(url) as two:
        before = entry(1)
        one.erase(tenant="t")
        await two.put(before)  # it was answered before, and told after
        after = entry(2)
        await two.put(after)
        await until_served(one, after)
        assert not await serves(one, before)
        async with replica(url) as three:
            assert await serves(three, after)
            assert not await serves(three, before)


async def test_an_erased_or_expired_entry_ends_in_another_process_too(url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, redis_replicas.__file__, url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with replica(url) as one:
            assert (await process.stdout.readline()).startswith(b"ready")
            short = entry(0, ttl_s=2.0)
            for e in (short, entry(1), entry(2, tenant="other")):
                await one.put(e)
            began = [(await process.stdout.readline()).split()[:2] for _ in range(3)]
            assert sorted(began) == [[b"begins", b"%d" % n] for n in range(3)]
            one.erase(tenant="t")
            one.remove("h2")
            ended = [(await process.stdout.readline()).split()[:2] for _ in range(3)]
            assert sorted(ended) == [[b"ends", b"%d" % n] for n in range(3)]
    finally:
        process.terminate() if process.returncode is None else None
        await process.wait()


async def test_a_frozen_redis_stops_nobody_and_only_own_entries_are_served(server: Server) -> None:
    async with replica(server.url) as one, replica(server.url) as two:
        theirs = entry(1)
        await two.put(theirs)
        await until_served(one, theirs)
        server.signal(signal.SIGSTOP)
        await until(lambda: one.is_exact_only and two.is_exact_only)
        own = entry(2)
        await one.put(own)
        assert await attach(one, "h2")
        assert await serves(one, own)
        assert not await serves(one, theirs)
        assert await serves(two, theirs)
        with pytest.raises(StoreUnavailable, match="does not answer"):
            two.erase(tenant="t")
        assert not await serves(two, theirs)
        server.signal(signal.SIGCONT)
        await until(lambda: not one.is_exact_only and not two.is_exact_only)
        # what was asked meanwhile is done, in the order of its time: put, then erased
        for each in (one, two):
            await until_served(each, theirs, is_served=False)
            await until_served(each, own, is_served=False)
        later = entry(3)
        await one.put(later)
        await until_served(two, later)


async def test_who_starts_without_redis_is_exact_only_until_it_is_there(server: Server, url: str) -> None:
    async with replica(url) as one:
        theirs = entry(1)
        await one.put(theirs)
        await until(lambda: not one._outbox.waiting())
        server.stop()
        async with replica(url, waits=False) as two:
            assert two.is_exact_only
            own = entry(2)
            await two.put(own)
            assert await serves(two, own)
            server.start()  # it kept what it had
            await until(lambda: not two.is_exact_only)
            await until_served(two, theirs)
            await until_served(one, own)


@pytest.mark.parametrize("how", ["flushed", "trimmed"])
async def test_who_can_not_know_what_was_said_reads_all_anew(url: str, how: str) -> None:
    async with replica(url) as one, replica(url) as two:
        kept, lost = entry(1), entry(2)
        for e in (kept, lost):
            await one.put(e)
            assert await attach(one, e.hit_id)
            await until_served(two, e)
        with redis.Redis.from_url(url) as client:
            if how == "flushed":
                client.flushall()
            else:  # while two slept it went, and the word of it too
                client.delete(keys.entry("h2"), keys.exact(lost.key))
                client.xadd(keys.LOG, {"o": "h"}, maxlen=1, approximate=False)
        for _ in range(3000):
            if not await serves(two, lost):
                break
            if how == "trimmed":
                two._link._log_at = b"0-1"
                two._link._checked_at_s = 0.0
            await asyncio.sleep(0.01)
        assert not await serves(two, lost)
        await until_served(two, kept, is_served=how == "trimmed")
        await until(lambda: len(leads(two)) == (how == "trimmed"))
        new = entry(3)
        await one.put(new)
        await until_served(two, new)


async def test_the_cap_of_a_tenant_holds_for_all_replicas_together(url: str) -> None:
    async with replica(url, cap=5) as one, replica(url, cap=5) as two:
        entries = [entry(n, ttl_s=100 + n) for n in range(8)]
        await one.put(entry("x", tenant="other"))
        for n, e in enumerate(entries):
            await (one if n % 2 else two).put(e)
            await until_served(two if n % 2 else one, e)
        for each in (one, two):
            await until_served(each, entries[2], is_served=False)
            assert [n for n, e in enumerate(entries) if await serves(each, e)] == [3, 4, 5, 6, 7]
        with redis.Redis.from_url(url) as client:
            assert client.zcard(keys.tenant("t")) == 5
            assert client.zcard(keys.tenant("other")) == 1


steps = st.tuples(
    st.sampled_from(["put", "put", "put", "attach", "lead", "remove", "erase", "judged"]),
    st.integers(0, 1),
    st.integers(0, 5),
    st.integers(0, 5),
)


@settings(max_examples=6)
@given(st.lists(steps, max_size=25))
async def test_replicas_agree_in_the_end(
    shared_server: Server, work: list[tuple[str, int, int, int]]
) -> None:
    url = f"{shared_server.url}?socket_timeout=20"
    with redis.Redis.from_url(url) as client:
        client.flushall()
    async with replica(url) as one, replica(url) as two:
        stores, n_put = (one, two), 0
        for what, who, n, m in work:
            store = stores[who]
            found, other = [await store.get(entry(i).key, now_s=time.time()) for i in (n, m)]
            if what == "put":
                n_put += 1  # the same key again and again, under new names
                await store.put(replace(entry(n), hit_id=f"h{who}.{n_put}", user=f"u{n % 2}"))
            elif what == "erase":
                store.erase(tenant="t", user=f"u{n % 2}")
            elif found is not None and what == "remove":
                store.remove(found.hit_id)
            elif found is not None and what == "judged":
                store.judged(found.hit_id, is_same=bool(m % 2))
            elif found is not None and other is not None and found.hit_id.startswith(f"h{who}."):
                await attach(store, found.hit_id, other.hit_id if what == "lead" else None)
        await until(lambda: not one._outbox.waiting() and not two._outbox.waiting())
        async with replica(url) as three:
            wanted = await _all(three)
            for store in stores:
                for _ in range(3000):
                    if await _all(store) == wanted:
                        break
                    await asyncio.sleep(0.01)
                assert await _all(store) == wanted


async def _all(store: RedisStore) -> object:
    found = [await store.get(entry(f"{n}").key, now_s=time.time()) for n in range(6)]
    names = [f.hit_id for f in found if f is not None]
    return found, leads(store), store.records(names)


def test_an_outbox_is_bounded_and_takes_back_what_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_CHANGES", 3)
    box = Outbox()
    changes = [note(b"%d" % n, "me") for n in range(5)]
    for change in changes:
        box.add(change)
    assert box.first(9) == changes[2:]
    assert box.n_lost == 2
    box.cancel(lambda change: change is changes[2])
    assert box.first(1) == [changes[3]]
    urgent = note(b"now", "me")
    box.add(urgent, is_urgent=True)
    assert box.first(9) == [urgent]
    for change in (urgent, *changes):
        box.done(change)
    assert box.first(9) == box.waiting() == []


def test_an_outbox_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_BYTES", 10_000)
    box = Outbox()
    for _ in range(100):
        box.add(note(b"x" * 4000, "me"))
    assert len(box) == 2
    assert box.n_lost == 98


def test_a_url_that_is_none_is_never_shown() -> None:
    local = SqliteStore()
    with pytest.raises(ConfigError) as e:
        RedisStore("http://:canary@host", local=local)
    assert "canary" not in str(e.value)
