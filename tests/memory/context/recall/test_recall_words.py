"""Words as search compares them."""

from __future__ import annotations

import pytest

from stepwell.memory.context.recall import traits
from stepwell.memory.context.recall.postings import Postings
from stepwell.memory.context.recall.words import terms


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("walking", "walked"),
        ("parties", "party"),
        ("Omar's", "omar"),
        ("bikes", "BIKE"),
        ("running", "run"),
        ("moved", "move"),
        ("quickly", "quick"),
    ],
)
def test_forms_of_a_word_meet(one: str, other: str) -> None:
    assert terms(one) == terms(other) != []


def test_stop_words_and_signs_are_left_out() -> None:
    assert terms("It's what they don't have, isn't it?! -- ...") == []


def test_what_is_no_word_is_left_out() -> None:
    assert terms("x" * 200) == []
    assert terms("é" * 200) == []


def test_scripts_without_blanks_are_read_by_pairs() -> None:
    assert terms("自行车 shop") == ["自行", "行车", "shop"]
    assert terms("車") == ["車"]


def test_a_rare_word_counts_more() -> None:
    postings = Postings()
    for i in range(20):
        postings.add(["often", "rare"] if i == 7 else ["often", "other"])
    scores = postings.scores(["often", "rare", "nowhere"])
    assert scores.argmax() == 7
    assert postings.idf("rare") > postings.idf("often") > postings.idf("nowhere") == 0


def test_a_word_said_often_or_in_a_short_turn_counts_more() -> None:
    postings = Postings()
    for turn in (["a", "b", "c", "d"], ["a", "a", "c", "d"], ["a"], ["x"]):
        postings.add(turn)
    once, twice, short, none = postings.scores(["a"])
    assert min(twice, short) > once > none == 0


@pytest.mark.parametrize(
    ("text", "bit", "is_there"),
    [
        ("Where is it?", traits.ASKS, True),
        ("Look at this? [photo: a cat]", traits.ASKS, True),
        ("Is it? I think so.", traits.ASKS, False),
        ("We met yesterday.", traits.TIME, True),
        ("We met.", traits.TIME, False),
        ("She has three cats.", traits.NUMBER, True),
        ("She lives in Lisbon.", traits.PLACE, True),
        ("She lives alone.", traits.PLACE, False),
    ],
)
def test_turns_have_traits(text: str, bit: int, is_there: bool) -> None:
    assert bool(traits.traits_of(text, "Mara") & bit) is is_there


def test_names_are_counted_up_to_three() -> None:
    assert traits.traits_of("I saw Ann and Bob and Cid and Dee", "") >> traits.NAME_SHIFT == 3
    assert traits.traits_of("nobody", "") >> traits.NAME_SHIFT == 0


@pytest.mark.parametrize(
    ("question", "who"),
    [
        ("Which port did I say it has?", traits.BY_USER),
        ("What is my landlord's name?", traits.BY_USER),
        ("Do you remember what I told you?", traits.BY_USER),
        ("What did you suggest for dinner?", traits.BY_ASSISTANT),
        ("What was your first idea?", traits.BY_ASSISTANT),
        ("What is the capital of Peru?", 0),
    ],
)
def test_a_question_says_whose_words_it_wants(question: str, who: int) -> None:
    assert traits.said_by(question) == who


def test_a_question_says_what_it_wants() -> None:
    assert traits.wanted("When did she arrive?") == (True, False, False, False)
    assert traits.wanted("How many cats does she have?") == (False, True, False, False)
    assert traits.wanted("Who lives there?") == (False, False, True, False)
    assert traits.wanted("Where does she live?") == (False, False, False, True)
