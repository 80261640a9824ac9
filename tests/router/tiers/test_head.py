"""A classifier head behind the protocol that every deployment speaks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.base.embedding import RequestVector
from stepwell.base.errors import TierUnavailable
from stepwell.base.request import ChatRequest
from stepwell.router.tiers.head import HeadBackend
from stepwell.router.tiers.head_file import Head
from tests.support.fine_tuned import head_bundle


class Two:
    name = "two"
    dim = 2

    def __init__(self) -> None:
        self.n = 0

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.n += len(texts)
        return np.array([[1, 0] if "left" in t else [0, 1] for t in texts], np.float32)


def ask(*messages: tuple[str, str], **fields: object) -> ChatRequest:
    said = [{"role": role, "content": text} for role, text in messages]
    return ChatRequest.build({"messages": said, **fields})


@pytest.fixture
def words(tmp_path: Path) -> HeadBackend:
    bundle = head_bundle(tmp_path, ("late", "broken"), ("LATE", "BROKEN"))
    return HeadBackend(tier="t", path=bundle.file, model=bundle.label)


async def test_it_answers_the_last_users_words(words: HeadBackend) -> None:
    asked = ask(("system", "broken"), ("user", "broken"), ("assistant", "?"), ("user", "It came LATE."))
    found = await words.complete(asked)
    assert found.answer.text == "LATE"
    assert found.answer.choices[0].finish_reason == "stop"
    assert found.answer.usage is not None
    assert (found.answer.usage.prompt_tokens, found.answer.usage.completion_tokens) == (0, 1)
    assert (await words.complete(ask(("user", "broken"), n=3))).answer.choices[2].message.text == "BROKEN"


async def test_it_streams_the_same(words: HeadBackend) -> None:
    events = [e async for batch in words.stream(ask(("user", "It is broken."))) for e in batch]
    deltas = [c.delta.content for e in events for c in e.chunk.choices if c.delta.content]
    assert deltas == ["BROKEN"]
    assert [c.finish_reason for e in events for c in e.chunk.choices][-1] == "stop"
    assert events[-1].chunk.usage is not None


async def test_a_file_that_changed_before_it_was_read_is_not_served(tmp_path: Path) -> None:
    old = head_bundle(tmp_path, ("late", "broken"), ("LATE", "BROKEN"))
    backend = HeadBackend(tier="t", path=old.file, model=old.label, sha256=old.card.sha256)
    head_bundle(tmp_path, ("late", "broken"), ("L", "B"))
    with pytest.raises(TierUnavailable, match="has changed since the well was built") as e:
        await backend.complete(ask(("user", "late")))
    assert not e.value.is_retryable
    head_bundle(tmp_path, ("late", "broken"), ("LATE", "BROKEN"))
    assert (await backend.complete(ask(("user", "late")))).answer.text == "LATE"


async def test_over_embeddings_a_vector_at_hand_is_used(tmp_path: Path) -> None:
    path, embedder = tmp_path / "head.npz", Two()
    Head(("L", "R"), 9 * np.eye(2, dtype=np.float32), np.zeros(2, np.float32)).save(path)
    backend = HeadBackend(tier="t", path=path, model="m", embedder=lambda: embedder)
    asked = ask(("user", "to the left"))
    shared = RequestVector(lambda: embedder, "to the left")
    with_vector = ChatRequest(asked.wire, asked.fields, vector=shared)
    for _ in range(3):
        assert (await backend.complete(with_vector)).answer.text == "L"
    assert embedder.n == 1
    other = ChatRequest(asked.wire, asked.fields, vector=RequestVector(lambda: embedder, "something else"))
    assert (await backend.complete(other)).answer.text == "L"
    assert (await backend.complete(ask(("user", "and right")))).answer.text == "R"
    assert embedder.n == 3


async def test_what_it_can_not_read_is_unavailable_and_not_retried(tmp_path: Path) -> None:
    path = tmp_path / "head.npz"
    path.write_bytes(b"none")
    with pytest.raises(TierUnavailable, match="can't be read") as e:
        await HeadBackend(tier="t", path=path, model="m").warm()
    assert not e.value.is_retryable
    Head(("L",), np.zeros((1, 3), np.float32), np.zeros(1, np.float32)).save(path)
    with pytest.raises(TierUnavailable, match="reads 3 numbers, a vector has 2"):
        await HeadBackend(tier="t", path=path, model="m", embedder=Two).complete(ask(("user", "left")))
