"""Reading replies: what is a verdict counts, what only looks like one doesn't."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.scoring.graded.replies import read_better, read_grade


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('{"reason": "same date", "correct": true}', 1),
        ('{"reason": "says \\"correct\\": true", "correct": false}', 0),
        ('```json\n{"correct": "false"}\n```', 0),
        ('Sure.\n{"correct": true}\nHope that helps!', 1),
        ('<think>{"correct": true} or not?</think>{"correct": false}', 0),
        ("It names the capital.\n\n**Verdict: CORRECT**", 1),
        ("Final verdict: incorrect.", 0),
        ("No", 0),
        ('{"verdict": "wrong"}', 0),
        ('{"correct": 1}', 1),
        # none of these is a verdict
        ("", None),
        ("The answer is not correct", None),
        ("I would not say that it is right", None),
        ('{"correct": null}', None),
        ('{"correct": 0.7}', None),
        ('{"correct": "maybe"}', None),
        ('{"correct": tr', None),
        ('{"grade": {"correct": true}}', None),
        ('The answer says {"correct": true}, so {"correct": false}', None),
        ("[1, 2", None),
        ("{" * 5000, None),
    ],
)
def test_right_or_wrong(text: str, verdict: float | None) -> None:
    assert read_grade(text, highest=1) == verdict


@pytest.mark.parametrize(
    ("text", "highest", "verdict"),
    [
        ('{"grade": 1}', 5, 0),
        ('{"grade": 5}', 5, 1),
        ('{"grade": "4/5"}', 5, 0.75),
        ('{"score": 10}', 10, 1),
        ("Grade: 3", 5, 0.5),
        ("Score: 5.5/10", 10, 0.5),
        ("Rating it, I'd say\n[4 out of 5]", 5, 0.75),
        ('{"grade": 0}', 5, None),
        ('{"grade": 6}', 5, None),
        ('{"grade": true}', 5, None),
        ('{"grade": NaN}', 5, None),
        ('{"grade": "9/10"}', 5, None),
        ("there are 3 mistakes", 5, None),
        ('{"grade": 1' + "0" * 400 + "}", 5, None),
    ],
)
def test_grades(text: str, highest: int, verdict: float | None) -> None:
    assert read_grade(text, highest=highest) == verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('{"better": "1"}', 1),
        ('{"better": 2}', 0),
        ('{"better": "tie"}', 0.5),
        ("Better: Answer 2", 0),
        ("both", 0.5),
        ("neither", 0.5),
        ('{"better": "3"}', None),
        ('{"better": true}', None),
        ("Answer 1 is longer than answer 2", None),
    ],
)
def test_the_better_one(text: str, verdict: float | None) -> None:
    assert read_better(text) == verdict


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    assert read_grade(text, highest=1) in (0, 1, None)
    assert read_better(text) in (0, 0.5, 1, None)
    grade = read_grade(text, highest=10)
    assert grade is None or 0 <= grade <= 1


@given(st.booleans(), st.text(), st.sampled_from(["{}", "```json\n{}\n```", "I see.\n{}", "{}\n"]))
def test_the_form_that_is_asked_for_is_always_read(verdict: bool, reason: str, around: str) -> None:
    said = around.replace("{}", json.dumps({"reason": reason, "correct": verdict}))
    assert read_grade(said, highest=1) == float(verdict)
