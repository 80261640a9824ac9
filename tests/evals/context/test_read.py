"""LoCoMo's JSON and our own lines, read; foreign files refused without showing their text."""

from __future__ import annotations

import json

import pytest

from stepwell.base.errors import BadRequest
from stepwell.evals.context.locomo import parse_errata
from stepwell.evals.context.read import holds_talks, read_talks
from tests.evals.context.talks import locomo, own_line


def test_locomo_in_the_order_of_its_sessions() -> None:
    (talk,) = read_talks(json.dumps(locomo("t")).encode())
    assert [turn.speaker for turn in talk.turns] == ["Ines", "Otto", "Ines", "Otto", "Ines", "Otto"]
    assert talk.turns[1].line == (
        "Otto: Congratulations! My sister repaired her old rowing boat instead. [photo: a boat on a lawn]"
    )
    assert (talk.turns[0].day, talk.turns[3].day) == ("3 March, 2024", "21 April, 2024")
    assert talk.turns[0].at_s == 1709456700.0


def test_questions_with_malformed_evidence() -> None:
    (talk,) = read_talks(json.dumps(locomo("t")).encode())
    assert [q.id for q in talk.questions] == [f"t-q{i}" for i in range(5)]
    assert [q.evidence for q in talk.questions] == [(0,), (4,), (0, 1), (), (4,)]
    assert [q.is_scored for q in talk.questions] == [True, True, True, False, False]
    assert [q.answer for q in talk.questions] == ["blue kayak", "14 April", "both", "40", "tulips"]


def test_errata_correct_evidence_and_answer() -> None:
    rows = [
        {"question_id": "t-q1", "error_type": "TEMPORAL_ERROR", "correct_answer": "15 April"},
        {"question_id": "t-q3", "correct_evidence": ["D2:2"], "correct_answer": 40},
    ]
    errata = parse_errata("\n".join(map(json.dumps, rows)).encode())
    (talk,) = read_talks(json.dumps(locomo("t")).encode(), errata)
    assert [(q.evidence, q.answer) for q in talk.questions[1:4:2]] == [((4,), "15 April"), ((4,), "40")]


def test_an_unread_date_still_gives_its_header() -> None:
    samples = locomo("t")
    samples[0]["conversation"]["session_1_date_time"] = "teatime on 3 March, 2024"  # type: ignore[index]
    del samples[0]["conversation"]["session_2_date_time"]  # type: ignore[attr-defined]
    (talk,) = read_talks(json.dumps(samples).encode())
    assert [(t.at_s, t.day) for t in talk.turns[2:4]] == [(0.0, "3 March, 2024"), (0.0, "")]


def test_our_own_lines_say_the_same() -> None:
    ours, theirs = (
        read_talks(f"\n{own_line()}\n".encode())[0],
        read_talks(json.dumps(locomo("t")).encode())[0],
    )
    assert ours.turns == theirs.turns
    assert ours.questions[0].evidence == theirs.questions[0].evidence == (0,)
    assert ours.questions[0].id == "own-q0"


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "[]",
        "[1]",
        '[{"a secret": 1}]',
        '{"a secret": 1}',
        "a secret",
        json.dumps(locomo("a", "a")),
        f"{own_line()}\n{own_line()}",
        own_line().replace('"evidence": [1]', '"evidence": [7]'),
        own_line().replace('"evidence": [1]', '"evidence": [0]'),
        json.dumps(locomo("t")).replace("Ines", "a secret", 1)[:-40],
    ],
)
def test_foreign_files_are_refused_without_their_text(raw: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_talks(raw.encode())
    assert "secret" not in str(refused.value)


def test_foreign_errata_name_their_line() -> None:
    with pytest.raises(BadRequest, match=r"^Line 2 "):
        parse_errata(b'{"question_id": "a"}\n{"id": "b"}')


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        (json.dumps(locomo("t")), True),
        ("  [\n", True),
        (own_line(), True),
        ('{"messages": [], "window_tokens": 10}', False),
        ("", False),
    ],
)
def test_tells_talks_from_messages(line: str, holds: bool) -> None:
    assert holds_talks(line) is holds
