"""Older turns are found by what they say."""

from __future__ import annotations

import numpy as np

from stepwell.memory.context.recall.index import Index
from stepwell.memory.context.recall.marks import mark_of_query, vector_of
from stepwell.memory.context.recall.query import Query


def test_a_turn_that_holds_the_words_comes_first() -> None:
    index = Index()
    for text in ("The weather was fine.", "I sold the yellow bicycle to Omar.", "See you on Monday!"):
        index.add(text)
    made = index.relevance(Query("Who bought the bicycle?"))
    assert made.shape == (3,)
    assert made.argmax() == 1


def test_nothing_is_found_in_an_empty_index() -> None:
    assert Index().relevance(Query("Anything?")).shape == (0,)


def test_a_mark_keeps_its_vector() -> None:
    vector = np.array([0.6, 0.8], dtype=np.float32)
    assert np.allclose(vector_of(mark_of_query(vector, None)), vector, atol=1e-3)
    assert len(vector_of(b"no mark")) == 0
