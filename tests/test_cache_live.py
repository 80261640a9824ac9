"""The cache in the house: what is kept, what a hit tells, how soon it answers, and who looks at it again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stepwell import GuardBlocked, Stepwell
from stepwell.base.decisions import CacheDecision
from stepwell.base.messages import Answer
from stepwell.memory.cache.cache import Cache
from stepwell.memory.sqlite_store import SqliteStore
from stepwell.memory.store import Entry
from stepwell.testing import FakeTier
from tests.house import house, n_in_flight, read, records_of

EXACT: dict[str, Any] = {"semantic": "off"}
EMAIL = "Write to a@b.example, please."
TOKEN = "My key is ghp_0123456789abcdefghijABCDEFGHIJ012345, keep it."


def decision(reply: Any) -> CacheDecision:
    assert reply.trace.cache is not None
    found: CacheDecision = reply.trace.cache
    return found


async def status_of_second(
    well: Stepwell, ask: str, how: tuple[str, str] = ("whole", "whole"), **asks: Any
) -> str:
    """Of the cache, where the same is asked twice."""
    found = ""
    for one in how:
        if one == "whole":
            found = decision(await well.achat(ask, **asks)).status
        else:
            stream = await well.astream(ask, **asks)
            await read(stream)
            found = decision(stream).status
    return found


# ---- personal data

GUARDS = ["email", "secrets"]


@pytest.mark.parametrize("how", [("whole", "whole"), ("stream", "whole"), ("whole", "stream")])
@pytest.mark.parametrize(
    ("ask", "answer", "is_kept"),
    [
        (EMAIL, "done", True),
        ("Whom?", "a@b.example it is", True),
        (TOKEN, "done", False),
        ("Which?", "ghp_0123456789abcdefghijABCDEFGHIJ012345 it is", False),
    ],
)
@pytest.mark.parametrize("action", ["redact", "log"])
async def test_personal_data_is_kept_only_where_allowed_and_secrets_never(
    ask: str, answer: str, is_kept: bool, action: str, how: tuple[str, str]
) -> None:
    guards = {
        stage: [{"check": check, "action": action} for check in GUARDS] for stage in ("input", "output")
    }
    async with house(FakeTier(answer), cache={**EXACT, "pii": True}, guards=guards) as well:
        assert await status_of_second(well, ask, how) == ("hit" if is_kept else "miss")
    async with house(FakeTier(answer), cache=EXACT, guards=guards) as well:
        assert await status_of_second(well, ask, how) == "miss"


async def test_what_is_kept_of_a_redacted_answer_is_redacted() -> None:
    guards = {"input": ["email"], "output": ["email"]}
    async with house(FakeTier("a@b.example it is"), cache={**EXACT, "pii": True}, guards=guards) as well:
        whole = await well.achat("Whom?")
        text = await read(await well.astream("Whom?"))
    assert "a@b" not in whole.text
    assert text == whole.text


async def test_a_failed_check_keeps_nothing() -> None:
    guards = {"input": [], "output": [{"check": "tests.test_cache_live:Broken", "on_error": "open"}]}
    async with house(FakeTier("an answer"), cache={**EXACT, "pii": True}, guards=guards) as well:
        assert await status_of_second(well, "Why?") == "miss"


class Broken:
    """A check that fails."""

    name = "broken"
    kinds = ("EMAIL",)
    max_len = 10

    def find(self, text: str) -> list[Any]:
        raise RuntimeError


# ---- guards look at hits again


@pytest.mark.parametrize("how", ["whole", "stream"])
@pytest.mark.parametrize("action", ["redact", "block"])
async def test_guards_run_again_on_a_hit(how: str, action: str) -> None:
    """An entry can be older than a guard's list, or come from another replica."""
    guards = {"input": [], "output": [{"check": "email", "action": action}]}
    store = SqliteStore(None)
    async with house(FakeTier("an answer"), cache=EXACT, guards=guards) as well:
        assert well.pipeline.cache is not None
        well.pipeline.cache._store = Poisoned(store)
        records = records_of(well)
        if action == "block":
            with pytest.raises(GuardBlocked):
                await (well.achat("Why?") if how == "whole" else well.astream("Why?"))
            assert [r.error for r in records] == ["content_blocked"]
        else:
            text = (
                (await well.achat("Why?")).text if how == "whole" else await read(await well.astream("Why?"))
            )
            assert "a@b" not in text
            assert text.startswith("mail ")
        assert n_in_flight(well) == 0


class Poisoned:
    """A store whose every entry holds an address."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def get(self, key: bytes, *, now_s: float) -> Entry:
        body = (
            b'{"id":"x","object":"chat.completion","created":1,"model":"fake","choices":[{"index":0,'
            b'"message":{"role":"assistant","content":"mail a@b.example"},"finish_reason":"stop"}],'
            b'"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
        )
        return Entry("h", key, "", "", body, "cheap", "fake", 0.1, now_s - 5, now_s + 60)


# ---- what a hit tells, and when


async def test_a_hit_says_how_old_it_is_and_what_it_is_called() -> None:
    async with house(FakeTier("an answer"), cache=EXACT) as well:
        first, second = await well.achat("Why?"), await well.achat("Why?")
        assert (decision(first).age_s, decision(first).p_same) == (None, None)
        found = decision(second)
        assert found.age_s is not None
        assert 0 <= found.age_s < 60
        assert found.hit_id is not None
        assert await well.areport_bad(found.hit_id)
        assert decision(await well.achat("Why?")).status == "miss"


async def test_what_an_answer_took_upstream_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    took: list[float] = []
    write = Cache.write

    async def noted(self: Cache, lookup: Any, *, answer: Answer, **more: Any) -> None:
        took.append(more["took_s"])
        await write(self, lookup, answer=answer, **more)

    monkeypatch.setattr(Cache, "write", noted)
    async with house(FakeTier("an answer", delay_s=0.05), cache=EXACT) as well:
        await well.achat("Why?")
        await read(await well.astream("Where?"))
    assert len(took) == 2
    assert all(0.04 < s < 30 for s in took)


@pytest.mark.parametrize("how", ["whole", "stream"])
async def test_a_hit_takes_at_least_its_delay_and_a_miss_does_not(how: str) -> None:
    clock = asyncio.get_running_loop().time
    tier = FakeTier("an answer", delay_s=0.01)

    async def timed() -> float:
        begun = clock()
        await (well.achat("Why?") if how == "whole" else well.astream("Why?"))
        return clock() - begun

    async with house(tier, cache={**EXACT, "hit_delay_s": 0.15}) as well:
        await read(await well.astream("Why?"))
        assert await timed() >= 0.149


@pytest.mark.parametrize("how", ["whole", "stream"])
async def test_a_shared_answer_takes_at_least_the_delay_too(how: str) -> None:
    clock = asyncio.get_running_loop().time
    tier = FakeTier("an answer", delay_s=0.03)
    order: list[str] = []

    async def timed(name: str) -> float:
        begun = clock()
        if how == "whole":
            await well.achat("Why?")
            order.append(name)
        else:
            stream = await well.astream("Why?")
            order.append(name)
            await read(stream)
        return clock() - begun

    async with house(tier, cache={**EXACT, "hit_delay_s": 0.2}) as well:
        _, follower = await asyncio.gather(timed("leader"), timed("follower"))
    assert len(tier.requests) == 1
    assert follower >= 0.199
    assert order == ["leader", "follower"]


async def test_who_leaves_during_the_delay_lets_go_of_the_shared_stream() -> None:
    tier = FakeTier("an answer", delay_s=0.02)
    async with house(tier, cache={**EXACT, "hit_delay_s": 5}) as well:
        first = asyncio.create_task(well.astream("Why?"))
        second = asyncio.create_task(well.astream("Why?"))
        stream = await first
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert await read(stream) == "an answer"
        assert n_in_flight(well) == 0
        assert len(well.pipeline.flights) == 0


# ---- the caller's wish


@pytest.mark.parametrize(
    ("wish", "n"), [(True, 1), ("exact", 1), ("no-store", 2), (False, 2), ("no-sampled", 2)]
)
async def test_a_wish_says_what_is_read_and_written(wish: bool | str, n: int) -> None:
    tier = FakeTier("an answer")
    async with house(tier, cache=EXACT) as well:
        for _ in range(2):
            await well.achat("Why?", cache=wish, temperature=0.7)
    assert len(tier.requests) == n


async def test_no_store_reads_what_others_left() -> None:
    async with house(FakeTier("an answer"), cache=EXACT) as well:
        await well.achat("Why?")
        assert decision(await well.achat("Why?", cache="no-store")).status == "hit"
