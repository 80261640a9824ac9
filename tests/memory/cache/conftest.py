from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from types import SimpleNamespace
from zlib import crc32

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.base.config import CacheConfig
from stepwell.base.messages import Answer, Choice, Message, ToolCall, encode_json
from stepwell.base.request import Caller, ChatRequest, Wishes
from stepwell.base.token_vectors import TokenVectors
from stepwell.memory.cache.cache import Cache, Lookup
from stepwell.memory.cache.judge.judge import Case
from stepwell.memory.store import Store
from tests.support.likeness import Likeness

DIM = 64


def embed(text: str) -> NDArray[np.float32]:
    """A bag of words: nearer the more words two texts share."""
    vector = np.zeros(DIM, np.float32)
    for word in text.lower().split():
        vector[crc32(word.encode()) % DIM] += 1.0
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


class TextVector:
    """What the cache needs of a request's vector: late where `is_late`; counts how often it is asked."""

    def __init__(self, text: str, *, is_late: bool = False) -> None:
        self.text = text
        self.is_late = is_late
        self.n_asked = 0

    async def get(self, timeout_s: float) -> NDArray[np.float32] | None:
        self.n_asked += 1
        await asyncio.sleep(0)
        return None if self.is_late else embed(self.text)

    async def get_tokens(self, timeout_s: float) -> TokenVectors | None:
        if not self.text.endswith("and so on"):
            return None
        return TokenVectors(np.zeros(0, np.int32), np.zeros((0, DIM), np.float16), is_cut=True)


class SameWords:
    """A judge: two answers are the same where they are equal; one with "?" nobody can judge."""

    def __init__(self) -> None:
        self.n_asked = 0

    async def same(self, case: Case) -> bool | None:
        verdict = await self.weigh(case)
        return verdict if isinstance(verdict, bool) else None

    async def weigh(self, case: Case) -> bool | float | None:
        self.n_asked += 1
        if "?" in case.fresh:
            return None
        return 0.25 if case.fresh == "maybe" else case.fresh == case.cached


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


def chat(
    prompt: str,
    *,
    tenant: str | None = "acme",
    user: str | None = None,
    system: str | None = None,
    history: tuple[str, ...] = (),
    wishes: Wishes | None = None,
    **fields: object,
) -> ChatRequest:
    messages: list[Mapping[str, object]] = (
        [{"role": "system", "content": system}] if system is not None else []
    )
    messages += [{"role": ("user", "assistant")[i % 2], "content": t} for i, t in enumerate(history)]
    messages.append({"role": "user", "content": prompt})
    return ChatRequest.build({"messages": messages, **fields}, Caller(tenant, user), wishes or Wishes())


def answer_of(
    text: str = "An answer.", finish: str = "stop", tool_calls: list[ToolCall] | None = None
) -> Answer:
    return Answer([Choice(Message("assistant", text, tool_calls), finish_reason=finish)], id="x", model="m")


class Asker:
    """Asks a cache as the pipeline does: look up, and on a miss write the answer."""

    def __init__(self, cache: Cache, likeness: Likeness, judge: SameWords) -> None:
        self.cache = cache
        self.likeness = likeness
        self.judge = judge
        self.vectors: list[TextVector] = []

    async def look(self, request: ChatRequest, *, scope: str = "auto", is_late: bool = False) -> Lookup:
        self.vectors.append(TextVector(request.messages[-1].text, is_late=is_late))
        return await self.cache.lookup(request, self.vectors[-1], scope=scope)  # type: ignore[arg-type]

    async def ask(self, request: ChatRequest, *, scope: str = "auto", answer: Answer | None = None) -> Lookup:
        lookup = await self.look(request, scope=scope)
        answer = answer or answer_of()
        await self.cache.write(
            lookup,
            body=encode_json(answer),
            answer=answer,
            tier="local",
            model="m",
            cost_usd=0.01,
            took_s=2.0,
        )
        await self.cache.drain()
        return lookup


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kit() -> SimpleNamespace:
    """What the tests of this folder build with."""
    return SimpleNamespace(chat=chat, answer_of=answer_of, TextVector=TextVector, embed=embed)


@pytest.fixture
async def asker(clock: Clock) -> AsyncIterator[Callable[..., Asker]]:
    made: list[Asker] = []

    def make(
        *,
        least: float = 0.9,
        store: Store | None = None,
        versions: str = "v1",
        embedder: str = "words",
        has_judge: bool = True,
        **config: object,
    ) -> Asker:
        likeness, judge = Likeness(least), SameWords()
        likeness.is_serving = config.get("semantic") == "serve"
        cache = Cache(
            CacheConfig.model_validate({"semantic": "shadow"} | config),
            store=store,
            versions=versions,
            embedder_name=embedder,
            judge=judge if has_judge else None,
            parts=likeness,  # type: ignore[arg-type]
            clock=clock,
        )
        made.append(Asker(cache, likeness, judge))
        return made[-1]

    yield make
    for asker in made:
        await asker.cache.close()
