"""Hits by meaning in the house: what callers see of them, who looks at them again, and what is embedded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell import GuardBlocked, Stepwell
from stepwell.base.decisions import CacheDecision
from stepwell.base.token_vectors import TokenVectors
from stepwell.front.server.app import create_app
from stepwell.memory.cache.cache import Cache
from stepwell.memory.cache.judge.judge import OwnJudge
from stepwell.testing import FakeTier
from tests.house import house, read
from tests.support.likeness import Likeness

DIM = 64
FIRST = "How deep can a hand dug well on the coast be?"
NEAR = "How deep can a hand dug well on a coast be?"


class Words:
    """A bag of words: nearer the more words two texts share."""

    name = "words"
    dim = DIM

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        rows = np.zeros((len(texts), DIM), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[crc32(word.encode()) % DIM] += 1.0
        found: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return found


class Pieces(Words):
    """As Words, with word pieces."""

    def __init__(self) -> None:
        super().__init__()
        self.n_asked = 0

    def embed_middle(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.embed(texts)

    def embed_both(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self.embed(texts), self.embed(texts)

    def embed_tokens(
        self, texts: Sequence[str]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], list[TokenVectors]]:
        self.n_asked += 1
        none = TokenVectors(np.zeros(0, np.int32), np.zeros((0, DIM), np.float16), is_cut=False)
        return self.embed(texts), self.embed(texts), [none] * len(texts)


class House:
    """A well whose cache serves by likeness."""

    def __init__(self, tier: FakeTier, embedder: Words | None = None, **sections: Any) -> None:
        self.likeness = Likeness(0.8)
        self.embedder = embedder or Words()
        self.well = house(tier, **{"cache": {"semantic": "serve"}, **sections})
        pipeline = self.well.pipeline
        cache = Cache(
            self.well.config.cache,
            versions="v",
            embedder_name="words",
            parts=self.likeness,  # type: ignore[arg-type]
            # without one "auto" would stay in shadow; "serve" needs none
            judge=OwnJudge(lambda *_: True) if self.well.config.cache.semantic == "auto" else None,
        )
        self.well.pipeline = replace(pipeline, cache=cache, embedder=lambda: self.embedder)

    async def ask(self, prompt: str, **asks: Any) -> Any:
        reply = await self.well.achat(prompt, **{"tenant": "acme"} | asks)
        assert self.well.pipeline.cache is not None
        await self.well.pipeline.cache.drain()
        return reply


@pytest.fixture
async def made() -> AsyncIterator[list[Stepwell]]:
    wells: list[Stepwell] = []
    yield wells
    for well in wells:
        await well.aclose()


def decision(reply: Any) -> CacheDecision:
    assert reply.trace.cache is not None
    found: CacheDecision = reply.trace.cache
    return found


@pytest.mark.parametrize("how", ["whole", "stream"])
async def test_a_neighbours_answer_is_served_with_all_that_is_known_of_it(
    made: list[Stepwell], how: str
) -> None:
    tier = FakeTier("thirty metres")
    one = House(tier)
    made.append(one.well)
    await one.ask(FIRST)
    if how == "whole":
        reply = await one.ask(NEAR)
        text, found = reply.text, decision(reply)
    else:
        stream = await one.well.astream(NEAR, tenant="acme")
        text, found = await read(stream), decision(stream)
    assert text == "thirty metres"
    assert found.status == "semantic_hit"
    assert found.p_same is not None
    assert found.p_same >= 0.8
    assert found.age_s is not None
    assert len(tier.requests) == 1
    assert found.hit_id is not None
    assert await one.well.areport_bad(found.hit_id, tenant="acme")
    assert decision(await one.ask(NEAR)).status == "miss"
    assert [j.source for j in one.likeness.learnt] == ["report"]


async def test_its_headers_say_so(made: list[Stepwell]) -> None:
    one = House(FakeTier("thirty metres"))
    made.append(one.well)
    transport = httpx.ASGITransport(create_app(one.well))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:

        async def ask(prompt: str, **more: Any) -> httpx.Headers:
            body = {"messages": [{"role": "user", "content": prompt}], **more}
            return (await http.post("/v1/chat/completions", json=body)).headers

        await ask(FIRST)
        assert one.well.pipeline.cache is not None
        await one.well.pipeline.cache.drain()
        for more in ({}, {"stream": True}):
            headers = await ask(NEAR, **more)
            assert headers["x-stepwell-cache"] == "semantic_hit"
            assert 0.8 <= float(headers["x-stepwell-cache-p-same"]) <= 1
            assert "." in headers["x-stepwell-cache-hit-id"]
            assert int(headers["age"]) >= 0


@pytest.mark.parametrize("how", ["whole", "stream"])
async def test_guards_look_at_it_again(made: list[Stepwell], how: str) -> None:
    one = House(FakeTier("thirty metres"))
    made.append(one.well)
    await one.ask(FIRST)
    strict = house(
        FakeTier(),
        guards={
            "input": [],
            "output": [{"check": "tests.test_cache_meaning_live:Metres", "action": "block"}],
        },
    )
    one.well.pipeline = replace(one.well.pipeline, guard=strict.pipeline.guard)
    await strict.aclose()
    with pytest.raises(GuardBlocked):
        await (one.ask(NEAR) if how == "whole" else one.well.astream(NEAR, tenant="acme"))


class Metres:
    """A check that finds metres."""

    name = "metres"
    kinds = ("METRES",)
    max_len = 10

    def find(self, text: str) -> list[Any]:
        from stepwell.base.decisions import Finding

        at = text.find("metres")
        return [Finding("METRES", at, at + 6)] if at >= 0 else []


async def test_what_a_guard_redacted_is_what_is_embedded(made: list[Stepwell]) -> None:
    one = House(FakeTier("done"), guards={"input": ["email"], "output": []})
    made.append(one.well)
    await one.ask("Which letter about deep wells came from a@b.example")
    assert one.embedder.texts
    assert not any("a@b" in text for text in one.embedder.texts)


async def test_an_audit_goes_upstream_like_any_miss(made: list[Stepwell]) -> None:
    tier = FakeTier("thirty metres")
    one = House(tier)
    made.append(one.well)
    await one.ask(FIRST)
    one.likeness.audits = 1
    reply = await one.ask(NEAR)
    assert (decision(reply).status, decision(reply).reason) == ("miss", "audit")
    assert reply.cost_usd > 0
    assert len(tier.requests) == 2
    assert decision(await one.ask(NEAR)).status == "hit"


async def test_the_wish_exact_keeps_it_from_being_compared(made: list[Stepwell]) -> None:
    one = House(FakeTier("thirty metres"))
    made.append(one.well)
    await one.ask(FIRST)
    assert decision(await one.ask(NEAR, cache="exact")).status == "miss"


async def test_word_pieces_come_with_the_vector(made: list[Stepwell]) -> None:
    pieces = Pieces()
    one = House(FakeTier("thirty metres"), pieces)
    made.append(one.well)
    await one.ask(FIRST)
    assert pieces.n_asked == 1


@pytest.mark.parametrize(
    ("semantic", "has_past", "is_serving", "n"),
    [("serve", False, True, 1), ("auto", True, True, 1), ("auto", True, False, 0), ("auto", False, True, 0)],
)
async def test_a_warm_cache_has_its_evidence_and_where_it_serves_the_embedder(
    made: list[Stepwell], tmp_path: Path, semantic: str, has_past: bool, is_serving: bool, n: int
) -> None:
    cache = {"semantic": semantic, "path": str(tmp_path / "c.db") if has_past else None}
    one = House(FakeTier(), cache=cache)
    made.append(one.well)
    one.likeness.is_serving = is_serving
    await one.well.pipeline.warm()
    assert len(one.embedder.texts) == n
