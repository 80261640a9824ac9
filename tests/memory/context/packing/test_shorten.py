from __future__ import annotations

import pytest

from stepwell.base.tokens import count_text
from stepwell.memory.context.packing.shorten import shorten

MODEL = "gpt-4o"
TEXT = "The boat is green. It leaks!\nWho will mend it? Nobody knows."


def test_it_ends_with_a_sentence() -> None:
    assert shorten(TEXT, 100, MODEL) == TEXT
    assert (
        shorten(TEXT, count_text(TEXT, MODEL) - 1, MODEL) == "The boat is green. It leaks!\nWho will mend it?"
    )
    assert shorten(TEXT, 6, MODEL) == "The boat is green."
    assert shorten("水辺へ下りる。雨が降る。", 9, MODEL) == "水辺へ下りる。"


@pytest.mark.parametrize("n_tokens", [-5, 0, 1])
def test_nothing_where_no_sentence_fits(n_tokens: int) -> None:
    assert shorten(TEXT, n_tokens, MODEL) == ""


@pytest.mark.parametrize("n_tokens", range(2, 20))
def test_it_is_never_longer_than_asked(n_tokens: int) -> None:
    made = shorten(TEXT * 3, n_tokens, MODEL)
    assert count_text(made, MODEL) <= n_tokens
    assert TEXT.startswith(made)
