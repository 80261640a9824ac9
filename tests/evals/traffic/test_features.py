"""Whether a policy has learnt from an ask: the same one is known again, a like one is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stepwell.evals.traffic.features import Features, Learnt, ask_key
from stepwell.router.features import read_ask
from stepwell.router.learned.inputs import read_inputs

DRINK = 'What is the past tense of "drink"? Answer with one word.'
BEGIN = DRINK.replace("drink", "begin")


def read(*asks: str) -> Features:
    return Features(read_inputs([read_ask(ask) for ask in asks]))


def test_short_asks_of_one_form_are_told_apart_by_their_words() -> None:
    traits = [ask_key(read(ask).inputs.traits[0]) for ask in (DRINK, BEGIN)]
    assert traits[0] == traits[1], "choose asks whose traits are alike"
    learnt = Learnt([], read(DRINK).inputs)
    assert [learnt.has(read(ask)) for ask in (DRINK, BEGIN)] == [True, False]


@pytest.mark.parametrize("again", [DRINK.upper(), f"  {DRINK} ", f"Please, {DRINK}"])
def test_case_courtesies_and_white_space_do_not_make_another_ask(again: str) -> None:
    assert Learnt([], read(DRINK).inputs).has(read(again))


def test_without_words_on_either_side_the_like_count_as_the_same() -> None:
    assert Learnt([], read(DRINK).inputs).has(replace(read(BEGIN), has_words=False))
    wordless = replace(read(DRINK).inputs, words=[read("").inputs.words[0]])
    assert Learnt([], wordless).has(read(BEGIN))
    assert not Learnt([], wordless).has(read("Why did the Roman Republic fall?"))
