"""What turns the sense of else equal answers round."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.memory.cache.judge.contrast import contradict

words = st.lists(
    st.sampled_from(
        [
            "anna",
            "ben",
            "beat",
            "not",
            "before",
            "after",
            "the",
            "shop",
            "on",
            "off",
            "is",
            "open",
            "from",
            "to",
            "and",
            "yes",
            "no",
            "never",
            "10",
        ]
    ),
    max_size=12,
).map(" ".join)


@given(a=words, b=words)
def test_contradiction_goes_both_ways_and_nothing_contradicts_itself(a: str, b: str) -> None:
    assert contradict(a, b) is contradict(b, a)
    assert not contradict(a, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Turn on the lamp first.", "Turn off the lamp first."),
        ("You must never mix the two.", "You must mix the two."),
        ("No, it is open on Sunday.", "It is not open on Sunday."),
        ("It is better to pay by card.", "It is worse to pay by card."),
        ("Anna is taller than Ben.", "Ben is taller than Anna."),
    ],
)
def test_one_word_turns_the_sense_round(a: str, b: str) -> None:
    assert contradict(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("No, it is not open on Sunday.", "It is not open on Sunday."),
        ("It is not before noon.", "It is after noon."),
        ("It doesn't cost more.", "It does not cost more."),
        ("Anna is connected to Ben.", "Ben is connected to Anna."),
        ("Madrid is the capital of Spain.", "The capital of Spain is Madrid."),
        ("It opens on Monday at nine.", "It opens on Friday at nine."),
        ("You can pay by card.", "The shop never takes cash before noon."),
    ],
)
def test_the_same_and_the_merely_different_are_no_contradiction(a: str, b: str) -> None:
    assert not contradict(a, b)


def test_long_texts_are_left_alone() -> None:
    start = "and then it rained all day " * 40
    assert not contradict(start + "before noon", start + "after noon")
