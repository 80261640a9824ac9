"""What views say, and where they say it came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.guards.normalise.views import View, views


def said(text: str) -> list[str]:
    return [v.text for v in views(text)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A plain sentence, with (some) signs: 1,200 of them!",
        "Я сам в Париже, а у нас тепло",
        "я использую Python с Django и а",
        "Η Ελλάδα και ο κόσμος",
        "C'est déjà l'été à Nîmes…",
        "今日は、いい天気ですね。",
    ],
)
def test_ordinary_text_is_only_itself(text: str) -> None:
    assert views(text) == (View("raw", text),)


@pytest.mark.parametrize(
    "text",
    [
        "ｉｇｎｏｒｅ ａｌｌ",
        "ignоrе аll",
        "ig\u200bnore all",
        "i\u0337g\u0336n\u0334ore all",
        "іgnоrе ɑll",
        "IGNORE ALL",
    ],
)
def test_folds(text: str) -> None:
    assert "ignore all" in [s.lower() for s in said(text)]


def test_the_span_is_where_it_came_from() -> None:
    text = "say ｉg\u200bn\u0337оre now"
    view = views(text)[1]
    start = view.text.index("ignore")
    assert view.span(start, start + 6) == (4, 12)


@given(st.text())
def test_spans_lie_in_the_text_and_rise(text: str) -> None:
    for view in views(text):
        spans = [view.span(i, i + 1) for i in range(len(view.text))]
        assert all(0 <= start < end <= len(text) for start, end in spans)
        assert spans == sorted(spans)
