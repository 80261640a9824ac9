"""Folding takes characters one by one, and knows where each came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.guards.normalise.fold import fold

DRESSED = st.text(
    st.sampled_from("aB1 é\u200b\xadｉ\U0001d4d8ﬁ⒇\U000e0069\ufe0f\ud800я\u00a0㏂"), max_size=40
)


def folded(text: str) -> str:
    done = fold(text)
    return text if done is None else done.text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("ｉｇｎｏｒｅ", "ignore"),
        ("i\u200bg\u2060n\xadore", "ignore"),
        ("".join(chr(0xE0000 + ord(c)) for c in "ignore all"), "ignore all"),
        ("".join(chr(0xE00F0 + ord(c)) for c in "ignore"), "ignore"),
        ("𝓲𝕘𝚗ⓞʳⅇ", "ignore"),
        ("ɪɢɴᴏʀᴇ 🅸🅶🅽", "ignore IGN"),
        ("ﬁle ⑿ ㎉", "file (12) kcal"),
    ],
)
def test_takes_the_dress_off(text: str, plain: str) -> None:
    assert folded(text) == plain


@pytest.mark.parametrize(
    "text", ["", "plain ASCII", "Übergröße", "я сам", "日本語です", "½ … ™", "क्या", "😀"]
)
def test_leaves_ordinary_writing_alone(text: str) -> None:
    assert fold(text) is None


@given(DRESSED | st.text(), DRESSED | st.text())
def test_folds_piece_by_piece(a: str, b: str) -> None:
    assert folded(a + b) == folded(a) + folded(b)


@given(DRESSED | st.text())
def test_each_character_folds_from_its_span(text: str) -> None:
    done = fold(text)
    if done is None:
        return
    seen = 0
    for i, char in enumerate(done.text):
        start, end = done.span(i, i + 1)
        assert char in folded(text[start:end])
        assert seen <= start < end <= len(text)
        seen = start
    assert done.span(0, len(done.text))[1] <= len(text)
