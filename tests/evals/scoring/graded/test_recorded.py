"""Planted answers from a file."""

from __future__ import annotations

import json

import pytest

from stepwell.evals.scoring.graded.judge_report import judge_report
from stepwell.evals.scoring.graded.recorded import (
    AnswersError,
    counted,
    drawn_answers,
    has_votes,
    kinds_in,
    read_answers,
)


def line(n: int, style: str = "vague", **more: object) -> bytes:
    row = {"id": f"q{n}", "style": style, "question": "?", "gold": 2019, "answer": "in a year"}
    return json.dumps({**row, **more}).encode()


def test_recorded_votes_are_counted_by_majority() -> None:
    votes = [[True, True, False], [True, False, False], [True, True, True], [True, False]]
    answers = read_answers([line(n, judge_votes=v, category=n % 2) for n, v in enumerate(votes)])
    assert has_votes(answers)
    report = judge_report(counted(answers), kinds=kinds_in(answers))
    assert [(r.style, r.n, r.n_accepted) for r in report.wrong] == [("vague", 4, 2)]
    assert [(r.kind, r.n_accepted) for r in report.by_kind] == [("0", 2), ("1", 0)]


@pytest.mark.parametrize(
    ("gold", "reference"), [(2019, "2019"), (["May", "in May"], "May or in May"), (None, ""), ("x", "x")]
)
def test_references_of_many_shapes(gold: object, reference: str) -> None:
    (answer,) = read_answers([line(0, gold=gold, judge_votes=[1, 0, 1])])
    assert (answer.reference, answer.judge_votes) == (reference, [True, False, True])


def test_one_question_may_have_answers_of_several_styles() -> None:
    answers = read_answers([line(0, judge_votes=[True]), line(0, "right", judge_votes=[False])])
    report = judge_report(counted(answers))
    assert (report.worst and report.worst.share, report.false_reject_share) == (1.0, 1.0)


def test_rows_as_they_ship_are_read_too() -> None:
    case = {"id": 1, "kind": "facts", "question": "?", "gold": "a", "right": "b", "vague": "c"}
    answers = read_answers([json.dumps(case).encode(), b"\n"])
    assert [(a.style, a.answer, a.category) for a in answers] == [
        ("right", "b", "facts"),
        ("vague", "c", "facts"),
    ]
    assert not has_votes(answers)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([], "no planted answers"),
        ([b"{"], "line 1: not valid JSON"),
        ([b"\xff\xfe"], "line 1"),
        ([line(0), b'{"id": 1, "question": "?", "gold": "g"}'], "line 2: want answer"),
        ([b'{"id": 1, "style": "x", "question": "secret", "answer": "a"}'], "line 1: .*`gold`"),
        ([line(0), line(1, judge_votes=[True])], "1 of 2 answers have judge_votes"),
    ],
)
def test_wrong_files_are_named(lines: list[bytes], fault: str) -> None:
    with pytest.raises(AnswersError, match=fault) as error:
        read_answers(lines)
    assert "secret" not in str(error.value)


def test_a_draw_keeps_the_answers_of_a_question_together() -> None:
    answers = read_answers([line(n, style) for n in range(10) for style in ("vague", "right")])
    picked = drawn_answers(answers, 4, seed=1)
    assert (len(picked), len({a.case for a in picked})) == (8, 4)
    assert picked == drawn_answers(answers, 4, seed=1)
    assert drawn_answers(answers, 99) == answers
