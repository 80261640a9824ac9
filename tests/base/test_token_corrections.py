"""A provider that counts more than we do corrects our counts; one that counts less, or one odd reply, does not."""

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


def test_a_model_that_counts_more_is_believed_when_it_says_so_twice() -> None:
    assert taught(1100) == 1.0
    assert taught(1100, 1200) == pytest.approx(1.1 * 1.02)


def test_a_model_that_counts_less_changes_nothing() -> None:
    assert taught(*[600] * 64) == 1.0


def test_short_prompts_and_missing_usage_say_nothing() -> None:
    assert taught(300, 300, n_counted=200) == 1.0
    assert taught(0, 0) == 1.0


def test_an_old_surprise_is_forgotten_after_64_replies() -> None:
    assert taught(1500, 1500, *[900] * 64) == 1.0


def test_no_model_doubles_our_count() -> None:
    assert taught(9000, 9000) == pytest.approx(2 * 1.02)


def test_one_model_says_nothing_of_another() -> None:
    corrections = Corrections()
    for _ in range(3):
        corrections.observe("a", n_counted=1000, n_reported=1200)
    assert corrections.factor("b") == 1.0


@given(st.lists(st.integers(1, 2000), min_size=1, max_size=100))
def test_corrected_counts_cover_every_reply_remembered_but_one(reported: list[int]) -> None:
    last = reported[-64:]
    assert sum(n > taught(*reported) * 1000 for n in last) <= 1
