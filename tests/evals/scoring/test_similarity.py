"""Similarity: near answers score high, samples that wait together are embedded together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.base.config.context import EmbeddingConfig
from stepwell.evals.scoring.similarity import MAX_BATCH, SimilarityScorer
from stepwell.evals.suite import Row, Suite, SuiteError

LINE = (
    '{"id": "a", "prompt": "x", "target": ["The shop opens at nine.", "Doors open at 9 am."], "scorer": %s}'
)


class Letters:
    """Vectors by how often each letter stands in a text; keeps what it was asked."""

    name = "letters"
    dim = 26
    batches: ClassVar[list[int]] = []
    begun: ClassVar[threading.Event] = threading.Event()
    go_on: ClassVar[threading.Event] = threading.Event()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.batches.append(len(texts))
        if "wait" in texts:
            self.begun.set()
            self.go_on.wait(timeout=10)
        if any("break" in text for text in texts):
            raise RuntimeError("never shown")
        rows = np.array(
            [[t.lower().count(chr(97 + i)) + 1e-3 for i in range(26)] for t in texts], dtype=np.float32
        )
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def row(scorer: str = '"similarity"') -> Row:
    return Suite.parse([LINE % scorer], name="s").rows[0]


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> SimilarityScorer:
    Letters.batches.clear()
    monkeypatch.setattr("stepwell.evals.scoring.similarity.load_embedder", lambda config: Letters())
    return SimilarityScorer(EmbeddingConfig())


async def test_the_shipped_embedder_tells_near_from_far() -> None:
    scorer = SimilarityScorer()
    near, far, same = await asyncio.gather(
        *(
            scorer.score(row(), [a])
            for a in ("We open at nine in the morning.", "Otters eat fish.", "Doors open at 9 am.")
        )
    )
    assert near.score is not None
    assert far.score is not None
    assert near.score > 0.6 > 0.3 > far.score
    assert same.score == pytest.approx(1.0, abs=1e-3)
    await scorer.close()


async def test_from_a_similarity_on_an_answer_is_right(letters: SimilarityScorer) -> None:
    strict = row('{"name": "similarity", "min_similarity": 0.999}')
    right, wrong = await asyncio.gather(
        letters.score(strict, ["Doors open at 9 am."]), letters.score(strict, ["zzz"])
    )
    assert (right.score, wrong.score) == (1.0, 0.0)
    assert right.parts["similarity"] > 0.999 > wrong.parts["similarity"]


async def test_samples_that_wait_together_are_embedded_together(letters: SimilarityScorer) -> None:
    answers = [chr(97 + n % 26) * (n + 1) for n in range(100)]
    scored = await asyncio.gather(*(letters.score(row(), ["first turn", answer]) for answer in answers))
    assert len(Letters.batches) <= 2 + 102 / MAX_BATCH
    assert max(Letters.batches) == MAX_BATCH
    assert sum(Letters.batches) <= 102
    alone = [await letters.score(row(), [answer]) for answer in answers[:5]]
    assert [s.score for s in alone] == [s.score for s in scored[:5]]


async def test_the_nearest_target_counts_and_an_empty_answer_is_near_to_none(
    letters: SimilarityScorer,
) -> None:
    assert (await letters.score(row(), ["Doors open at 9 am."])).score == pytest.approx(1.0)
    assert (await letters.score(row(), [" \n"])).score == 0.0


async def test_an_embedder_that_fails_gives_an_error_and_no_score(letters: SimilarityScorer) -> None:
    broken = await letters.score(row(), ["break"])
    assert (broken.score, broken.error, broken.why) == (None, "scorer_failed", "RuntimeError")
    assert (await letters.score(row(), ["Doors open at 9 am."])).score == pytest.approx(1.0)


async def test_no_embedder_is_an_error_of_the_config() -> None:
    scored = await SimilarityScorer(EmbeddingConfig(embedder="no.such:thing")).score(row(), ["x"])
    assert (scored.score, scored.error) == (None, "config_error")


async def test_closing_lets_go_of_those_who_wait(letters: SimilarityScorer) -> None:
    waiting = asyncio.create_task(letters.score(row(), ["wait"]))
    assert await asyncio.to_thread(Letters.begun.wait, 10)
    await letters.close()
    Letters.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize("options", ['"min_similarity": 2', '"min_similarity": "x"', '"least": 0.5'])
def test_wrong_options_are_named(options: str) -> None:
    with pytest.raises(SuiteError, match="min_similarity"):
        row(f'{{"name": "similarity", {options}}}')
