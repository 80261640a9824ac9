"""The answers that checkers are compared on: both right and wrong for every task."""

from __future__ import annotations

import random

import pytest

from stepwell.evals.scorers import SCORERS
from stepwell.evals.scoring.bbh_tasks import TASKS
from stepwell.evals.suite import canonical_json
from tests.tools.made_answers import made_answers

RIGHT = {
    "options": "(B)",
    "words": "No",
    "said": "no",
    "number": "24",
    "brackets": "] )",
    "sorted": "ant bee cat",
}
RIGHT_OF_TASKS = {"boolean_expressions": "True", "formal_fallacies": "valid"}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("scorer", ["bbh", "bbh_strict", "bbh_first", "bbh_whole", "bbh_fewshot"])
def test_answers_are_right_and_wrong(scorer: str, task: str) -> None:
    answer = RIGHT_OF_TASKS.get(task, RIGHT[TASKS[task]])
    target = {"task": task, "answer": answer, "choices": ["red", "blue"], "words": ["cat", "ant", "bee"]}
    given = target if TASKS[task] == "sorted" else {k: v for k, v in target.items() if k != "words"}
    known = {"right": answer, **(given if TASKS[task] in ("sorted", "options") else {"task": task})}
    answers = made_answers(known, 600, random.Random(f"{scorer} {task}"))
    scores = [SCORERS[scorer].score(a, canonical_json(target).decode()) for a in answers]
    assert 0 < sum(scores) < len(scores)


@pytest.mark.parametrize("scorer", ["gsm8k", "gsm8k_strict", "gsm8k_authors", "numeric"])
def test_numbers_are_right_and_wrong(scorer: str) -> None:
    answers = made_answers({"right": "1234"}, 600, random.Random(1))
    assert 0 < sum(SCORERS[scorer].score(a, "1234") for a in answers) < len(answers)
