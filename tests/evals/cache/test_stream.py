"""A stream of arrivals through the gate, with classes as the judge."""

from __future__ import annotations

import random
from collections.abc import Sequence
from zlib import crc32

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.base.errors import BadRequest
from stepwell.base.token_vectors import TokenVectors
from stepwell.evals.cache.arrivals import Arrival, pair_arrivals, read_arrival, read_arrivals
from stepwell.evals.cache.embedded import EmbeddedTexts
from stepwell.evals.cache.nearest import Nearest
from stepwell.evals.cache.stream import StreamReplay, StreamRow
from stepwell.evals.cache.stream_summary import summarise
from stepwell.memory.cache.gate.gate import Gate


class Words:
    """A bag of words."""

    name = "words"
    dim = 96

    def __init__(self) -> None:
        self.n_texts = 0

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.n_texts += len(texts)
        return np.array([self._one(text) for text in texts], dtype=np.float32).reshape(-1, self.dim)

    def _one(self, text: str) -> NDArray[np.float32]:
        vector = np.zeros(self.dim, dtype=np.float32)
        for word in text.split():
            vector[crc32(word.encode()) % self.dim] += 1
        return vector / max(float(np.linalg.norm(vector)), 1e-9)


class Shared:
    """A verifier that knows how many words are shared."""

    def __init__(self) -> None:
        self.n_compared = 0

    def sketch(self, text: str, tokens: TokenVectors | None) -> bytes:
        return text.encode()

    def log_odds(self, query: bytes, cached: Sequence[bytes], similarities: Sequence[float]) -> list[float]:
        self.n_compared += len(cached)
        return [2.0 * len(set(query.split()) & set(text.split())) - 4 for text in cached]


def stream(n: int, seed: int = 0) -> list[Arrival]:
    """Thirty classes of eight words each; a request is five of them and two of anybody's."""
    rng = random.Random(seed)
    found = []
    for _ in range(n):
        cls = rng.randrange(30)
        words = [f"c{cls}w{i}" for i in rng.sample(range(8), 5)] + [f"any{rng.randrange(40)}" for _ in "ab"]
        found.append(Arrival(" ".join(words), str(cls)))
    return found


def replayed(arrivals: list[Arrival], gate: Gate, **kwargs: float) -> tuple[StreamReplay, list[StreamRow]]:
    replay = StreamReplay(gate, EmbeddedTexts(Words()), judge_error=kwargs.get("judge_error", 0.0))
    return replay, list(replay.run(arrivals))


def test_serves_after_a_warm_up_and_keeps_the_budget() -> None:
    replay, rows = replayed(stream(1500), Gate(0.05, "auto", seed=0))

    summary = summarise(rows)
    assert [row.n for row in rows] == list(range(1, 1501))
    assert summary.hit_rate > 0.3
    assert summary.error is not None
    assert summary.error <= 1.25 * 0.05
    assert summary.warm_up[0].hit_share < summary.warm_up[-1].hit_share
    assert summary.error_low <= summary.error <= summary.error_high
    (_, first), *_ = replay.changes
    assert (first.old, first.new) == ("shadow", "serving")


def test_is_the_same_each_time() -> None:
    arrivals = stream(400)

    assert (
        replayed(arrivals, Gate(0.05, "serve", seed=1))[1]
        == replayed(arrivals, Gate(0.05, "serve", seed=1))[1]
    )


def test_shadow_serves_nothing_and_counts_what_it_would_have() -> None:
    summary = summarise(replayed(stream(800), Gate(0.05, "shadow"))[1])

    assert (summary.n_hits, summary.n_audits, summary.error) == (0, 0, None)
    assert summary.n_shadow > 100


def test_an_erring_judge_leaves_most_hits() -> None:
    arrivals = stream(1500)
    exact = summarise(replayed(arrivals, Gate(0.05, "auto", seed=0))[1])
    erring = summarise(replayed(arrivals, Gate(0.05, "auto", judge_error=0.05, seed=0), judge_error=0.05)[1])

    assert erring.n_hits > 0.5 * exact.n_hits
    assert erring.error is not None
    assert erring.error <= 1.25 * 0.05


def test_tenants_share_nothing() -> None:
    arrivals = [Arrival("one two three", "a", "x"), Arrival("one two three", "a", "y")]

    rows = replayed(arrivals, Gate(0.05, "serve"))[1]
    assert [row.status for row in rows] == ["miss", "miss"]
    assert rows[1].similarity is None


def test_the_same_text_again_is_exact_and_no_hit_by_meaning() -> None:
    arrivals = [Arrival("one two", "a"), Arrival("one two", "a"), Arrival("one two", "b")]

    rows = replayed(arrivals, Gate(0.05, "serve"))[1]
    assert [(row.status, row.was_wrong) for row in rows] == [
        ("miss", None),
        ("exact", False),
        ("exact", True),
    ]
    assert (summarise(rows).n_exact, summarise(rows).n_hits) == (2, 0)


def test_the_verifier_is_asked_for_the_nearest_four_and_helps() -> None:
    verifier = Shared()
    texts = EmbeddedTexts(Words(), verifier)
    rows = list(StreamReplay(Gate(0.05, "auto", seed=0), texts).run(stream(300)))

    assert verifier.n_compared == 0 + 1 + 2 + 3 + 4 * 296
    assert summarise(rows).n == 300


def test_comparing_with_rivals_founds_fewer_groups() -> None:
    arrivals, n_groups = stream(600), []
    for n_compared in (1, 3):
        replay = StreamReplay(Gate(0.05, "shadow"), EmbeddedTexts(Words()), n_compared=n_compared)
        list(replay.run(arrivals))
        n_groups.append(replay.n_groups)

    assert n_groups[1] < n_groups[0]
    assert n_groups[1] >= 30


def test_texts_are_embedded_once() -> None:
    embedder = Words()
    texts = EmbeddedTexts(embedder)
    for _ in range(2):
        list(StreamReplay(Gate(0.05, "shadow"), texts).run(stream(50)))

    assert embedder.n_texts == len({arrival.text for arrival in stream(50)})


def test_pairs_arrive_cached_query_first_each_text_once() -> None:
    rows = [
        {"cached_query": "a", "query": "b", "same": 1},
        {"cached_query": "a", "query": "c", "same": 0},
        {"cached_query": "b", "query": "d", "same": 1},
    ]

    found = list(pair_arrivals(rows))
    assert [one.text for one in found] == ["a", "b", "c", "d"]
    a, b, c, d = (one.cls for one in found)
    assert a == b == d != c
    assert read_arrivals(rows) == found


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"query": 3, "cls": "a"},
        {"query": "a"},
        {"prompt": "a", "cls": None},
        {"query": "a", "cls": True},
    ],
)
def test_a_row_without_text_or_class_is_refused(row: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        read_arrival(row)


def test_a_broken_pair_is_refused() -> None:
    with pytest.raises(BadRequest):
        read_arrivals([{"cached_query": "a", "query": "b", "same": 2}])


def test_prompt_and_numbers_are_taken_too() -> None:
    assert read_arrival({"prompt": "a", "cls": 3, "tenant": "t"}) == Arrival("a", "3", "t")


def test_nearest_is_what_sorting_all_would_give() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(700, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = Nearest(16)
    assert index.top(vectors[0], 3) == []
    for vector in vectors[1:]:
        index.add(vector)

    wanted = np.argsort(-(vectors[1:] @ vectors[0]))[:8]
    assert [row for row, _ in index.top(vectors[0], 8)] == wanted.tolist()
