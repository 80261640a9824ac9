"""A provider's own count corrects ours: upwards at once, downwards when it is sure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.token_corrections import Corrections


def taught(*reported: int, n_counted: int = 1000) -> float:
    corrections = Corrections()
    for n in reported:
        corrections.observe("m", n_counted=n_counted, n_reported=n)
    return corrections.factor("m")


def test_a_model_that_counts_more_is_believed_at_once() -> None:
    assert taught(1100) == pytest.approx(1.1 * 1.02)


def test_a_model_that_counts_less_is_believed_after_eight_replies_and_never_below_its_highest() -> None:
    assert taught(*[700] * 7) == 1.0
    assert taught(*[700] * 7, 800) == pytest.approx(0.8 * 1.02)


def test_short_prompts_and_missing_usage_say_nothing() -> None:
    assert taught(300, n_counted=200) == 1.0
    assert taught(0) == 1.0


def test_an_old_surprise_is_forgotten_after_64_replies() -> None:
    assert taught(1500, *[900] * 64) == pytest.approx(0.9 * 1.02)


def test_one_model_says_nothing_of_another() -> None:
    corrections = Corrections()
    corrections.observe("a", n_counted=1000, n_reported=1200)
    assert corrections.factor("b") == 1.0


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=100))
def test_corrected_counts_cover_every_reply_remembered(reported: list[int]) -> None:
    corrections = Corrections()
    for n in reported:
        corrections.observe("m", n_counted=1000, n_reported=n)
    assert corrections.factor("m") * 1000 >= min(max(reported[-64:]), 3000)
