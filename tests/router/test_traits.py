"""What is read off an ask beside its embedding."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.router.features import read_ask
from stepwell.router.traits import TRAITS, TRAITS_HASH, traits

OPTIONS = "Which is a prime?\nA. 4\nB. 9\nC. 7\nD. 8\nAnswer:"


def trait(name: str, text: str) -> float:
    return float(traits(read_ask(text))[TRAITS.index(name)])


@given(st.text(max_size=400))
def test_any_text_gives_one_finite_number_a_trait(text: str) -> None:
    row = traits(read_ask(text))
    assert row.shape == (len(TRAITS),)
    assert row.dtype == np.float32
    assert np.isfinite(row).all()


@given(st.text(alphabet="ab1 .?\n", max_size=80), st.sampled_from([" ", "\n", "\t \n"]))
def test_blank_space_around_an_ask_changes_nothing(text: str, blank: str) -> None:
    assert (traits(read_ask(f"{blank}{text}{blank}")) == traits(read_ask(text.strip()))).all()


@given(st.text(alphabet="abcXYZ .?1", max_size=80))
def test_case_does_not_count(text: str) -> None:
    assert (traits(read_ask(text)) == traits(read_ask(text.lower()))).all()


def test_doubled_blanks_do_not_count() -> None:
    assert (traits(read_ask("Who wrote it?  And  why?")) == traits(read_ask("Who wrote it? And why?"))).all()


def test_courtesies_do_not_count() -> None:
    plain, polite = "Who wrote it?", "Could you please tell me: Who wrote it? Thanks!"
    assert (traits(read_ask(plain)) == traits(read_ask(polite))).all()


@pytest.mark.parametrize(
    ("name", "has", "lacks"),
    [
        ("has_options", OPTIONS, "Which is a prime, a. or b. or c. ?"),
        ("is_code", "Fix this: def f(): return 1", "Fix this sentence"),
        ("is_fill_in", "The capital is ____.", "The capital is it."),
        ("is_not_ascii", "Où est la gare?", "Where is the station?"),
        ("is_law", "Is the contract void?", "Is the window open?"),
        ("is_medicine", "Which dose does the patient need?", "Which colour does the wall need?"),
        ("is_negation", "Which is NOT a fruit?", "Which is a fruit?"),
        ("is_maths", "Prove the lemma", "Tell a story"),
        ("is_simple", "Translate this", "Prove this"),
    ],
)
def test_flags_tell_kinds_of_asks_apart(name: str, has: str, lacks: str) -> None:
    assert (trait(name, has), trait(name, lacks)) == (1, 0)


def test_counts_are_what_they_are_called() -> None:
    text = "Add 3 and 1000. Now 2.5 + x?"
    assert trait("log_numbers", text) == pytest.approx(math.log1p(3))
    assert trait("log_largest_number", text) == pytest.approx(math.log1p(1000))
    assert trait("question_marks", text) == pytest.approx(math.log(2))
    assert trait("log_longest_sentence", text) == pytest.approx(math.log1p(len("Add 3 and 1000")))
    assert trait("share_of_distinct_words", "a a b b") == 0.5
    assert trait("long_words_per_word", "extraordinary cat") == 0.5
    assert trait("facts_share", "who is it") == pytest.approx(1 / 3)


def test_numbers_of_thousands_of_digits_stay_finite() -> None:
    assert trait("log_largest_number", "9" * 5000) < 30


def test_the_hash_is_pinned_so_that_a_change_is_seen() -> None:
    assert TRAITS_HASH == "e15318c989e3d463"
