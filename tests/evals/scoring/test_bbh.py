"""BBH's checkers, task by task, against the verdicts of lm-eval, gathered by tests.tools.compare_checkers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.scorers import SCORERS
from stepwell.evals.scoring.bbh_tasks import TASKS, options_of
from stepwell.evals.scoring.spelled import number_of, spelled_numbers

SIDES = ("the red, round ball", "the blue ball", "no ball (none)")
RIGHT = {
    "options": "(B)",
    "words": "No",
    "said": "no",
    "number": "24",
    "brackets": "] )",
    "sorted": "ant bee cat",
}
WRONG = {
    "options": "(A)",
    "words": "Yes",
    "said": "yes",
    "number": "42",
    "brackets": ") ]",
    "sorted": "bee ant cat",
}
SPECIAL = {"boolean_expressions": ("True", "False"), "formal_fallacies": ("valid", "invalid")}


def target(task: str, answer: str) -> str:
    known: dict[str, object] = {"task": task, "answer": answer}
    if TASKS[task] == "options":
        known["choices"] = SIDES
    if TASKS[task] == "sorted":
        known["words"] = ("cat", "ant", "bee")
    return json.dumps(known)


def verdicts(task: str, right: str, answer: str) -> list[float]:
    """flexible, strict, first, whole, fewshot."""
    names = ("bbh", "bbh_strict", "bbh_first", "bbh_whole", "bbh_fewshot")
    return [SCORERS[name].score(answer, target(task, right)) for name in names]


@pytest.mark.parametrize("task", TASKS)
def test_every_task_knows_right_from_wrong(task: str) -> None:
    right, wrong = SPECIAL.get(task, (RIGHT[TASKS[task]], WRONG[TASKS[task]]))
    # reading from the left, lm-eval's brackets are the first blank
    is_read_first = float(TASKS[task] != "brackets")
    assert verdicts(task, right, f"So the answer is {right}.") == [1, 1, is_read_first, 0, 1]
    assert verdicts(task, right, f"So the answer is {wrong}.") == [0, 0, 0, 0, 0]
    assert verdicts(task, right, right)[3] == 1
    assert SCORERS["bbh"].fault(target(task, right)) is None


@pytest.mark.parametrize(
    ("task", "right", "answer", "expected"),
    [
        # the strict filters drop the line's last character, whatever it is
        ("navigate", "No", "The answer is No", [1, 0, 1, 0, 0]),
        ("navigate", "No", "THE ANSWER IS NO.", [0, 0, 0, 0, 0]),
        ("navigate", "No", "yes or no? The answer: No.", [1, 1, 0, 0, 0]),
        ("navigate", "No", '"no".', [1, 0, 1, 1, 0]),
        ("navigate", "No", "", [0, 0, 0, 0, 0]),
        ("hyperbaton", "(B)", "(A) or (B)", [1, 0, 0, 0, 0]),
        ("hyperbaton", "(B)", "It is the BLUE ball!", [1, 0, 1, 0, 0]),
        ("hyperbaton", "(A)", "the red round ball", [1, 0, 1, 0, 0]),
        ("hyperbaton", "(B)", "Answer: B", [1, 0, 1, 0, 0]),
        ("hyperbaton", "(B)", "B", [0, 0, 0, 0, 0]),
        ("hyperbaton", "(B)", "(b)", [0, 0, 0, 1, 0]),
        ("dyck_languages", "] )", "] )", [1, 0, 1, 1, 0]),
        ("dyck_languages", "] )", "I close with ] ), I hope", [0, 0, 0, 0, 0]),
        ("sports_understanding", "no", "This is not plausible", [1, 0, 1, 0, 0]),
        ("sports_understanding", "yes", "implausible", [0, 0, 0, 0, 0]),
        ("web_of_lies", "No", "Bo does not tell the truth.", [1, 0, 1, 0, 0]),
        ("web_of_lies", "Yes", "Bo tells the truth. No, wait", [0, 0, 1, 0, 0]),
        ("object_counting", "24", "24, well-known", [0, 0, 1, 0, 0]),
        ("object_counting", "21", "I see twenty one.", [1, 0, 1, 0, 0]),
        ("object_counting", "7", "I see seven.", [0, 0, 0, 0, 0]),
        ("word_sorting", "ant bee cat", "cat, ant: first ant, then bee, then cat", [1, 0, 1, 0, 0]),
        ("word_sorting", "ant bee cat", "Ant Bee Cat", [0, 0, 0, 1, 0]),
    ],
)
def test_verdicts_are_those_of_lm_eval(task: str, right: str, answer: str, expected: list[float]) -> None:
    assert verdicts(task, right, answer) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "no", "{}", "[" * 9999, '{"task": "navigate"}', '{"task": "juggling", "answer": "x"}'),
        '{"task": "word_sorting", "answer": "a b"}',
    ],
)
def test_a_target_that_cannot_be_met_is_a_fault(wrong: str) -> None:
    assert SCORERS["bbh"].fault(wrong) is not None


def test_options_are_read_as_the_reference_reads_them() -> None:
    assert options_of("Which?\nOptions:\n(A) big, red\n(B) red (not big)\n(C) ") == ("big, red", "red", "")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Twenty-one or one hundred and five apples", ["twenty", "one", "one hundred and five"]),
        ("fourteen", ["four"]),
        ("fourteen thousand", ["fourteen thousand"]),
        ("eight, seven, nine", []),
        ("eight hundred", ["eight hundred"]),
        ("none", ["one"]),
        ("two\nthree", ["two", "three"]),
    ],
)
def test_spelled_numbers_are_found_as_the_reference_finds_them(text: str, found: list[str]) -> None:
    assert spelled_numbers(text) == found


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("two million three hundred and five", 2_000_305),
        ("one hundred twenty three thousand four", 123_004),
        ("two million ten thousand", 2_011_010),
        ("one two three", 5),
        ("thousand", 1000),
        ("thousand million", None),
        ("one thousand one thousand", None),
        ("trillion", None),
    ],
)
def test_words_make_the_number_that_word2number_makes(words: str, number: int | None) -> None:
    assert number_of(words) == number


@given(st.sampled_from(sorted(TASKS)), st.text(max_size=120))
def test_any_answer_gets_a_verdict(task: str, answer: str) -> None:
    right = SPECIAL.get(task, (RIGHT[TASKS[task]],))[0]
    assert set(verdicts(task, right, answer)) <= {0.0, 1.0}
    scored = SCORERS["bbh"].judge(answer, (target(task, right),))
    assert scored.parts["flexible"] == scored.score


def test_long_answers_take_no_longer_than_their_length() -> None:
    for text in (
        "eight " * 20_000,
        "one" + " " * 50_000 + "x",
        "[" * 50_000,
        "(A" * 30_000,
        "The answer is " * 9_000,
    ):
        for task in ("object_counting", "dyck_languages", "hyperbaton"):
            assert len(verdicts(task, RIGHT[TASKS[task]], text)) == 5
