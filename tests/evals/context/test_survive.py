"""What counts as kept."""

from __future__ import annotations

import json

import pytest

from stepwell.evals.context.read import read_talks
from stepwell.evals.context.survive import Judge, Kept
from stepwell.evals.context.talk import Question, Talk, Utterance
from tests.evals.context.talks import locomo

TALK = read_talks(json.dumps(locomo("t")).encode())[0]
BOUGHT, _, BOATS = TALK.questions[:3]


def test_a_turn_survives_verbatim_and_not_in_pieces() -> None:
    judge = Judge(TALK)
    assert judge.kept(BOUGHT, "x\n" + TALK.turns[0].line) == Kept(1.0, True, True)
    assert judge.kept(BOUGHT, "She bought the blue kayak at the harbour") == Kept(0.0, False, True)
    assert judge.kept(BOUGHT, "") == judge.none(BOUGHT) == Kept(0.0, False, False)


def test_half_of_the_evidence() -> None:
    assert Judge(TALK).kept(BOATS, TALK.turns[1].text) == Kept(0.5, False, None)


@pytest.mark.parametrize(("n_words", "survives"), [(23, True), (19, True), (18, False), (3, False)])
def test_four_fifths_of_its_four_grams(n_words: int, survives: bool) -> None:
    words = [f"w{i}" for i in range(23)]  # 20 four-grams, of which n words in a row hold n - 3
    talk = Talk("t", (Utterance("a", " ".join(words)),), ())
    kept = Judge(talk).kept(Question("q", "?", "", (0,), "single"), " ".join(words[:n_words]))
    assert kept.has_all is survives


def test_a_short_turn_must_be_there_whole_and_as_words() -> None:
    talk = Talk("t", (Utterance("a", "Nice one!"),), ())
    question = Question("q", "?", "", (0,), "single")
    judge = Judge(talk)
    assert judge.kept(question, "b: so NICE one, a").has_all
    assert not judge.kept(question, "a nice onerous task").has_all


def test_an_answer_is_asked_for_only_where_it_is_literal_and_rare() -> None:
    turns = tuple(Utterance("a", f"number {i} is the cat") for i in range(7))
    judge = Judge(Talk("t", turns, ()))

    def asked(answer: str, *evidence: int) -> bool:
        return judge.kept(Question("q", "?", answer, evidence, "single"), "").has_answer is not None

    assert asked("number 3", 3)
    assert not asked("number 3", 4)
    assert not asked("the cat", 3)
    assert not asked("a dog", 3)
    assert not asked("", 3)
    assert not asked("mber 3", 3)
