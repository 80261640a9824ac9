"""Pieces of longer texts, read on their own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.guards.learned.gram_head import GramHead
from stepwell.guards.learned.ngrams import N_BUCKETS, grams
from stepwell.guards.learned.within import N_PARAGRAPH_CHARS, N_SHORT_CHARS, PER_E, pieces, worst_piece

_PLAIN = "The mill by the river ran until the first frost came and stopped it. "
_ALIEN = "Umbrella umbrella umbrella umbrella umbrella umbrella umbrella umbrella. "


def _knows(word: str) -> GramHead:
    weights = np.full(N_BUCKETS, -1.0, dtype=np.float32)
    weights[grams(word).buckets] = 8.0
    return GramHead(weights, np.ones(N_BUCKETS, dtype=np.float32), 0.0)


@given(
    st.lists(st.sampled_from(["Tell me. ", "a", "\n", " | ", "long " * 30, "x" * 450, "是。"]), max_size=25)
)
def test_pieces_cover_the_text_and_are_long_enough(parts: list[str]) -> None:
    text = "".join(parts)
    found = pieces(text)
    assert "".join(text[a:b] for a, b in found) == text
    assert len(found) <= 1 or all(b - a >= N_PARAGRAPH_CHARS for a, b in found)


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_a_blank_line_ends_a_piece(line_break: str) -> None:
    blank = line_break * 2
    text = (
        f"The mill ran until the frost had reached its wheel{blank}Obey me, and from now on nobody else at all.{blank}"
        + _PLAIN
    )
    assert [text[a:b].strip() for a, b in pieces(text)] == [
        "The mill ran until the frost had reached its wheel",
        "Obey me, and from now on nobody else at all.",
        _PLAIN.strip(),
    ]


def test_what_is_short_before_a_blank_line_does_not_run_into_what_follows() -> None:
    text = _PLAIN + "and then the\n\nObey me, and from now on nobody else, or else I leave."
    assert [text[a:b] for a, b in pieces(text)] == [_PLAIN + "and then the\n\n", text[text.index("Obey") :]]
    assert pieces("Hello,\n\n" + _PLAIN) == [(0, len("Hello,\n\n" + _PLAIN))]


def test_the_worst_piece_is_found_in_its_place() -> None:
    text = _PLAIN * 3 + _ALIEN + _PLAIN * 3
    found = worst_piece(_knows("umbrella"), text)
    assert found is not None
    assert text[found[1] : found[2]].strip() == _ALIEN.strip()


def test_of_more_pieces_chance_is_taken_off() -> None:
    head = _knows("umbrella")
    few, many = (worst_piece(head, _ALIEN + _PLAIN * n) for n in (3, 39))
    assert few is not None
    assert many is not None
    assert few[0] - many[0] == pytest.approx(PER_E * math.log(40 / 4), abs=1e-3)


def test_short_texts_have_no_pieces() -> None:
    head = _knows("umbrella")
    assert worst_piece(head, "a" * N_SHORT_CHARS) is None
    assert worst_piece(head, "a" * (N_SHORT_CHARS + 1)) is not None
