"""How a text is read: the same value in another form becomes the same word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.memory.cache.verifier.lexical import NAMES, lexical
from stepwell.memory.cache.verifier.lexicon import lexicon
from stepwell.memory.cache.verifier.words import MAX_WORDS, words_of


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("send $5,000", "send 5k dollars"),
        ("twenty five km", "25 kilometers"),
        ("I can't pay", "i cannot pay"),
        ("what's the fee?", "What is the fee"),
        ("on Tues at 7:00", "on tuesday at 7"),
        ("two million euros", "€2,000,000"),
        ("the 3rd of Feb", "the third of february"),
        ("isn't it", "is not it"),
        ("20%", "twenty percent"),
    ],
)
def test_other_forms_read_alike(a: str, b: str) -> None:
    assert words_of(a).forms == words_of(b).forms


@pytest.mark.parametrize(
    ("a", "b"), [("5 km", "50 km"), ("5 km", "5 mi"), ("7:00", "7:30"), ("can", "can't"), ("2.5", "25")]
)
def test_other_values_do_not(a: str, b: str) -> None:
    assert words_of(a).forms != words_of(b).forms


def test_names_are_told_by_their_capital() -> None:
    read = words_of("Did Anna see the Louvre? Yes")
    assert [f for f, n in zip(read.forms, read.is_name, strict=True) if n] == ["anna", "louvre"]
    assert not any(words_of("WHERE IS ANNA").is_name)


@given(st.text(max_size=3000))
def test_any_text_is_read(text: str) -> None:
    read = words_of(text)
    assert len(read.forms) == len(read.idf) == len(read.is_name) <= MAX_WORDS
    assert all(form and " " not in form for form in read.forms)


def _named(a: str, b: str) -> dict[str, float]:
    return dict(zip(NAMES, lexical(words_of(a), words_of(b)), strict=True))


@pytest.mark.parametrize(
    ("a", "b", "feature", "value"),
    [
        ("dose of 20 mg", "dose of 40 mg", "number", 1.0),
        ("dose of 20 mg", "dose of 20 g", "unit", 1.0),
        ("open on monday", "open on friday", "date", 1.0),
        ("is it safe", "is it not safe", "negation", 1.0),
        ("how to get thinner", "how to get fatter", "number", 0.0),
        ("a cheap hotel", "an expensive hotel", "opposites", 1.0),
        ("more sugar", "less sugar", "more_less", 1.0),
        ("will he call", "will she call", "he_she", 1.0),
        ("buy a car", "purchase a car", "n_synonyms", 1.0),
        ("is my hamster ill", "is my hamstre ill", "n_typos", 1.0),
        ("did Anna call Bob", "did Bob call Anna", "name_order", 1.0),
        ("did Anna call Bob", "was Bob called by Anna", "passive", 1.0),
        ("is he a cook or a spy", "is he a spy or a cook", "linked", 1.0),
        ("please call", "call", "same_words", 1.0),
        ("why do cats purr", "when do cats purr", "wh", 0.0),
    ],
)
def test_a_difference_shows_in_its_feature(a: str, b: str, feature: str, value: float) -> None:
    assert _named(a, b)[feature] == value
    assert _named(a, b) == _named(b, a)


def test_words_stand_in_relations() -> None:
    assert lexicon().opposite("pessimistic", "optimistic")
    assert lexicon().same("purchase", "buys")
    assert lexicon().kin("china", "japan")
    assert lexicon().key("stopped") == lexicon().key("stopping") == lexicon().key("stops")
    assert not lexicon().opposite("table", "chair")
