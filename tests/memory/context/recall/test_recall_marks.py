"""A mark keeps of an embedding what search needs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stepwell.base.minilm import MiniLM
from stepwell.memory.context.recall.basis import basis
from stepwell.memory.context.recall.marks import embed_marks, mark_of_query, read_mark, vector_of


class _Plain:
    name = "plain"
    dim = 4

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.eye(4, dtype=np.float32)[[len(text) % 4 for text in texts]]


def test_it_keeps_the_vector() -> None:
    vector = np.array([0.6, 0.8], dtype=np.float32)
    assert np.allclose(vector_of(mark_of_query(vector, None)), vector, atol=1e-3)


def test_an_embedder_without_word_pieces_will_do() -> None:
    marks = embed_marks(_Plain(), ["a", "bb"])
    assert [vector_of(mark).argmax() for mark in marks] == [1, 2]
    assert embed_marks(_Plain(), []) == []


def test_one_embedded_as_a_query_is_the_same() -> None:
    embedder = MiniLM()
    (vector,), _, (tokens,) = embedder.embed_tokens(["I sold the yellow bicycle."])
    assert embed_marks(embedder, ["I sold the yellow bicycle."]) == [mark_of_query(vector, tokens)]


def test_of_word_pieces_those_of_content_are_kept() -> None:
    marks = embed_marks(MiniLM(), ["I sold the yellow bicycle.", "It is what it is.", "word " * 400])
    width = basis().of_pieces.shape[1]
    held = [read_mark(mark) for mark in marks]
    assert [len(mark.pieces) // width for mark in held if mark] == [3, 6, 128]


@pytest.mark.parametrize("mark", [b"", b"no mark", b"\x93\x02\xc4\x00\xc4\x00", b"\x92\x01\xc4\x01a"])
def test_what_is_no_mark_holds_no_vector(mark: bytes) -> None:
    assert vector_of(mark).shape == (0,)


@given(mark=st.binary(max_size=40))
def test_any_bytes_are_a_mark_or_none(mark: bytes) -> None:
    assert vector_of(mark).ndim == 1
