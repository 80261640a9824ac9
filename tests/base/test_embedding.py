from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.base import embedding
from stepwell.base.config import EmbeddingConfig
from stepwell.base.embedding import Embedder, Layers, RequestVector, load_embedder
from stepwell.base.errors import ConfigError
from stepwell.base.minilm import MiniLM
from stepwell.base.token_vectors import TokenVectors


class Compass:
    """Points every text north; waits for `go` first."""

    name = "compass"
    dim = 2

    def __init__(self, vector: Sequence[float] = (0, 1)) -> None:
        self.vector = vector
        self.go = threading.Event()
        self.go.set()
        self.begun = threading.Event()
        self.threads: set[str] = set()
        self.n_texts = 0

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.begun.set()
        assert self.go.wait(10)
        self.n_texts += len(texts)
        self.threads.add(threading.current_thread().name)
        return np.array([self.vector] * len(texts), dtype=np.float32)


class Broken(Compass):
    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise RuntimeError(f"can't embed {texts[0]}")


async def test_a_vector_is_made_once_and_shared() -> None:
    compass = Compass()
    vector = RequestVector(lambda: compass, "which way?")
    assert vector.n_embedded == 0
    first, second, *_ = await asyncio.gather(*(vector.get(5) for _ in range(5)))
    assert first is second
    assert first is not None
    assert first.tolist() == [0, 1]
    assert vector.n_embedded == compass.n_texts == 1


async def test_all_requests_share_one_thread() -> None:
    compass = Compass()
    vectors = [RequestVector(lambda: compass, f"text {i}") for i in range(20)]
    made = await asyncio.gather(*(v.get(5) for v in vectors))
    assert all(m is not None for m in made)
    assert len(compass.threads) == 1
    assert threading.current_thread().name not in compass.threads


async def test_without_an_embedder_there_is_no_vector() -> None:
    vector = RequestVector(None, "text")
    assert await vector.get(5) is None
    assert vector.n_embedded == 0


async def test_a_late_vector_is_none_and_may_come_later() -> None:
    compass = Compass()
    compass.go.clear()
    slow = RequestVector(lambda: compass, "slow")
    asked = asyncio.create_task(slow.get(0.05))
    assert await asyncio.to_thread(compass.begun.wait, 10)
    assert await asked is None
    queued = RequestVector(lambda: compass, "queued behind it")
    assert await queued.get(0.01) is None
    compass.go.set()
    assert await slow.get(5) is not None
    assert await queued.get(5) is None
    assert (slow.n_embedded, queued.n_embedded) == (1, 0)


async def test_a_caller_who_leaves_harms_no_one() -> None:
    compass = Compass()
    compass.go.clear()
    vector = RequestVector(lambda: compass, "text")
    leaves = asyncio.create_task(vector.get(5))
    assert await asyncio.to_thread(compass.begun.wait, 10)
    leaves.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaves
    compass.go.set()
    assert await vector.get(5) is not None


@pytest.mark.parametrize(
    "broken", [Broken(), Compass((1, 2, 3)), Compass((3, 4)), Compass((float("nan"), 0)), Compass((0, 0))]
)
async def test_a_failing_embedder_costs_the_vector_not_the_request(
    broken: Compass, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "stepwell"):
        assert await RequestVector(lambda: broken, "my secret text").get(5) is None
    assert "the embedder failed with" in caplog.text
    assert "secret" not in caplog.text


async def test_an_embedder_that_cannot_be_loaded_counts_as_failing() -> None:
    def load() -> Embedder:
        raise ConfigError("no weights")

    assert await RequestVector(load, "text").get(5) is None


def test_the_default_is_minilm() -> None:
    made = load_embedder(EmbeddingConfig())
    assert isinstance(made, MiniLM)
    vectors = made.embed(["Why is the sky blue?", "Warum ist der Himmel blau?", "Cancel my order."])
    assert vectors.shape == (3, made.dim)
    assert vectors.dtype == np.float32
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_a_dotted_path_plugs_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_compass.py").write_text("class East:\n    name = 'east'\n    dim = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    made = load_embedder(EmbeddingConfig(embedder="my_compass:East"))
    assert made.name == "east"


def test_a_name_that_nobody_knows_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="no-such-embedder"):
        load_embedder(EmbeddingConfig(embedder="no-such-embedder"))


def test_sentence_transformers_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ConfigError, match=r"stepwell\[st\]"):
        load_embedder(EmbeddingConfig(embedder="sentence-transformers:some/folder"))


def test_the_worker_is_made_anew_after_a_fork() -> None:
    before = embedding._worker()
    assert embedding._worker() is before
    embedding._worker.cache_clear()
    assert embedding._worker() is not before


class Storeys:
    """An embedder with a middle layer, which counts what it is asked for."""

    name, dim = "storeys", 2

    def __init__(self) -> None:
        self.asked: list[str] = []

    def _one(self, what: str, vector: list[float]) -> NDArray[np.float32]:
        self.asked.append(what)
        return np.array([vector], dtype=np.float32)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._one("last", [1, 0])

    def embed_middle(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._one("middle", [0, 1])

    def embed_both(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self._one("both", [0, 0])
        return np.array([[1, 0]], dtype=np.float32), np.array([[0, 1]], dtype=np.float32)


@pytest.mark.parametrize(
    ("layers", "last", "middle"),
    [("last", [1, 0], [1, 0]), ("middle", None, [0, 1]), ("both", [1, 0], [0, 1])],
)
async def test_layers_come_in_one_go(layers: Layers, last: list[int] | None, middle: list[int]) -> None:
    storeys = Storeys()
    vector = RequestVector(lambda: storeys, "text", layers=layers)
    routing, cache = await vector.get_for_routing(5), await vector.get(5)
    assert routing is not None
    assert routing.tolist() == middle
    assert (None if cache is None else cache.tolist()) == last
    assert storeys.asked == [layers]


class Rooms(Storeys):
    """Storeys that also show their word pieces."""

    def embed_tokens(
        self, texts: Sequence[str]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], list[TokenVectors]]:
        self.asked.append("tokens")
        rows = np.eye(2, dtype=np.float16)
        pieces = [TokenVectors(np.array([7, 8], np.int32), rows, is_cut="long" in t) for t in texts]
        last, middle = np.array([[1, 0]] * len(texts)), np.array([[0, 1]] * len(texts))
        return last.astype(np.float32), middle.astype(np.float32), pieces


async def test_word_pieces_come_with_the_vector() -> None:
    rooms = Rooms()
    vector = RequestVector(lambda: rooms, "please, a long text", layers="all")
    pieces = await vector.get_tokens(5)
    assert pieces is not None
    assert (pieces.ids.tolist(), pieces.is_cut) == ([7, 8], True)  # of the text as it stands
    assert await vector.get(5) is not None
    assert await vector.get_for_routing(5) is not None
    assert rooms.asked == ["tokens"]


@pytest.mark.parametrize("layers", ["last", "both", "tokens"])
async def test_where_nobody_shows_word_pieces_there_are_none(layers: Layers) -> None:
    vector = RequestVector(Storeys, "text", layers=layers)
    assert await vector.get(5) is not None
    assert await vector.get_tokens(5) is None
