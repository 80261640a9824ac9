"""BIG-Bench Hard: 27 tasks with short answers (Suzgun et al. 2022, arXiv:2210.09261)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stepwell.evals.readers.fields import Foreign, id_of, text
from stepwell.evals.scoring.bbh_tasks import TASKS, options_of
from stepwell.evals.suite import SuiteError

_ANSWERS = {
    "options": "the letter of the right option in parentheses",
    "words": "Yes or No",
    "said": "yes or no",
    "number": "the number in digits",
    "brackets": "the missing brackets, with blanks between them",
    "sorted": "the words, with blanks between them",
}
_ANSWERS_OF_TASKS = {"boolean_expressions": "True or False", "formal_fallacies": "valid or invalid"}


def fits(row: Foreign) -> bool:
    """Whether a row has input and target, and names a task of BBH."""
    return "input" in row and "target" in row and row.get("task") in TASKS


def lines(rows: Iterable[Foreign]) -> Iterator[dict[str, object]]:
    """Rows {task, input, target} as lines of a suite, scored as lm-eval's flexible-extract of the task.

    Raises:
        SuiteError: A field is missing or wrong.
    """
    for n, row in enumerate(rows, start=1):
        task, question = text(row, "task"), text(row, "input")
        if task not in TASKS:
            raise SuiteError("not a task of BBH", field="task")
        what = _ANSWERS_OF_TASKS.get(task, _ANSWERS[TASKS[task]])
        how = f'Think step by step. Then write, as the last line, "The answer is X." where X is {what}.'
        yield {
            "id": id_of(row, n, f"bbh-{task}"),
            "prompt": f"{question.strip()}\n\n{how}",
            "target": {"task": task, "answer": text(row, "target"), **_known(task, question)},
            "scorer": "bbh",
            "tags": [task],
        }


def _known(task: str, question: str) -> dict[str, object]:
    if TASKS[task] == "options":
        return {"choices": list(options_of(question))}
    if TASKS[task] != "sorted":
        return {}
    words = question.partition("List:")[2].partition("List:")[0].split()
    if not words:
        raise SuiteError('no words after "List:"', field="input")
    return {"words": words}
