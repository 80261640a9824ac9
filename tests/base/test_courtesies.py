from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.courtesies import without_courtesies


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("Hi! I have a question: What is 2+2?", "What is 2+2?"),
        ("Could you help me with this? Is there life on Mars?", "Is there life on Mars?"),
        ("I'd like to know: which of these is it?", "which of these is it?"),
        ("PLEASE HELP. The cat sat on what?", "The cat sat on what?"),
        ("Can you tell me the following: A boat sinks. Why?", "A boat sinks. Why?"),
        ("Hi! I have 3 apples. How many are left?", "I have 3 apples. How many are left?"),
        ("Please compute: -5 + 3", "compute: -5 + 3"),
        ("Why is the sky blue? Thanks a lot!", "Why is the sky blue?"),
    ],
)
def test_courtesies_are_left_out(said: str, asked: str) -> None:
    assert without_courtesies(said) == asked


@pytest.mark.parametrize(
    "ask",
    [
        "You have 3 apples. How many are left?",
        "This question refers to the following information.",
        "Translate to French: Thank you",
        "Will the court decide?",
        "Please",
        "-5 + 3 = ?",
        "...and then?",
        "Thanks!",
        "The cat sat.",
        "",
    ],
)
def test_what_is_no_courtesy_stays(ask: str) -> None:
    assert without_courtesies(ask) == ask


@given(
    st.lists(
        st.sampled_from(["hi", "please", "can you", "thanks", "the", "a", "cat", "?", ".", "!", "\n", " "])
    )
)
def test_something_is_left_wherever_something_was_asked(parts: list[str]) -> None:
    text = " ".join(parts)
    left = without_courtesies(text)
    assert bool(left) == bool(text.strip())
    assert left in text
