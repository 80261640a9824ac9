"""The shipped suite is balanced, and its scorers take what is right in any wording and refuse what is wrong."""

import json
from collections import Counter
from importlib import resources
from itertools import pairwise

import pytest

from stepwell.evals.scorers import SCORERS
from stepwell.evals.suite import Row, Suite

SUITE = Suite.load("chatbot")
_FILE = resources.files("stepwell.evals") / "suites" / "chatbot_answers.jsonl"
ANSWERS = {row["id"]: row for row in map(json.loads, _FILE.read_text("utf-8").splitlines())}
DIFFICULTIES = ("easy", "medium", "hard")


def _score(row: Row, answer: str) -> float:
    return SCORERS[row.scorer].best(answer, row.targets)


def test_each_kind_has_ten_rows_and_each_difficulty_a_third() -> None:
    kinds = Counter(row.tags[0] for row in SUITE.rows)
    assert len(kinds) == 16
    assert set(kinds.values()) == {10}
    cells = Counter(row.tags for row in SUITE.rows)
    assert len(cells) == 48
    assert set(cells.values()) == {3, 4}
    assert {row.tags[1] for row in SUITE.rows} == set(DIFFICULTIES)


def test_nothing_is_asked_twice() -> None:
    assert len({row.messages_json for row in SUITE.rows}) == len(SUITE.rows) == 160


def test_every_row_has_answers_to_check_it_by() -> None:
    assert ANSWERS.keys() == {row.id for row in SUITE.rows}
    assert all(len(set(a["right"])) >= 2 and len(set(a["wrong"])) >= 2 for a in ANSWERS.values())


@pytest.mark.parametrize("row", SUITE.rows, ids=lambda r: r.id)
def test_right_answers_count_and_wrong_ones_do_not(row: Row) -> None:
    assert [_score(row, a) for a in ANSWERS[row.id]["right"]] == [1.0] * len(ANSWERS[row.id]["right"])
    assert [_score(row, a) for a in ANSWERS[row.id]["wrong"]] == [0.0] * len(ANSWERS[row.id]["wrong"])


@pytest.mark.parametrize("row", SUITE.rows, ids=lambda r: r.id)
def test_an_empty_answer_and_an_echo_of_another_kind_score_nothing(row: Row) -> None:
    assert _score(row, "") == 0.0
    assert _score(row, "I am sorry, I can't help with that.") == 0.0


def test_no_fixed_answer_wins_many_rows() -> None:
    constant = ("yes", "no", "A", "B", "C", "not stated", "12", "{}", "positive")
    assert max(sum(_score(row, a) for row in SUITE.rows) for a in constant) <= 16


def test_rows_are_sent_without_chance_and_with_room_to_answer() -> None:
    assert all(row.params["temperature"] == 0 for row in SUITE.rows)
    rooms = [
        {int(str(row.params["max_tokens"])) for row in SUITE.rows if d in row.tags} for d in DIFFICULTIES
    ]
    assert all(len(room) == 1 for room in rooms)
    assert all(min(a) < min(b) for a, b in pairwise(rooms))
