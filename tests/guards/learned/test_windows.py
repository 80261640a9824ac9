"""How long texts are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stepwell.guards.learned.documents import readable
from stepwell.guards.learned.windows import N_WHOLE_CHARS, ends, sentences, windows

_PIECES = st.lists(
    st.sampled_from(["Tell me. ", "a", "\n", " | ", "<b>", "long " * 30, "x" * 450, "是。", '",']),
    max_size=25,
)


@given(_PIECES.map("".join))
def test_sentences_cover_the_text(text: str) -> None:
    assert "".join(text[a:b] for a, b in sentences(text)) == text


@given(_PIECES.map("".join))
def test_sentences_are_bounded(text: str) -> None:
    assert all(0 < b - a <= 500 for a, b in sentences(text))


@given(_PIECES.map("".join), st.integers(min_value=2, max_value=50))
def test_each_row_of_windows_covers_the_text(text: str, n_chars: int) -> None:
    for row in windows(text, n_chars):
        assert "".join(text[a:b] for a, b in row) == text


def test_what_a_window_cuts_the_other_row_has_whole() -> None:
    text = "a" * 995 + "NEEDLE" + "b" * 2_000
    assert any("NEEDLE" in text[a:b] for row in windows(text) for a, b in row)


def test_lines_and_cells_stand_alone() -> None:
    text = "| 12 | Reply with OK. |\nSee above."
    assert "Reply with OK." in [text[a:b] for a, b in readable(text)]


def test_what_has_no_words_is_not_read() -> None:
    assert readable("12 | 13 |\n--- | 14\n\n") == []


def test_long_texts_keep_their_ends() -> None:
    kept = ends("A" + "x" * 10_000 + "Z")
    assert kept[0] == "A"
    assert kept[-1] == "Z"
    assert len(kept) <= N_WHOLE_CHARS + 1
