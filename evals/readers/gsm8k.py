"""GSM8K: word problems with a number as the answer (Cobbe et al. 2021, arXiv:2110.14168)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stepwell.evals.readers.fields import Foreign, first_of, id_of, tags_of, text
from stepwell.evals.suite import SuiteError

_MARK = "####"
_HOW = "Work it out step by step. Then write, as the last line, #### and the number alone."


def fits(row: Foreign) -> bool:
    """Whether a row is one: its worked answer ends in #### and a number."""
    worked = row.get("answer", row.get("rationale"))
    return isinstance(worked, str) and _MARK in worked and first_of(row, ("question", "input")) is not None


def lines(rows: Iterable[Foreign]) -> Iterator[dict[str, object]]:
    """Rows {question, answer} or {input, target} as lines of a suite, scored as lm-eval's flexible-extract.

    Raises:
        SuiteError: A field is missing or wrong.
    """
    for n, row in enumerate(rows, start=1):
        question = text(row, "question" if "question" in row else "input")
        yield {
            "id": id_of(row, n, "gsm8k"),
            "prompt": f"{question.strip()}\n\n{_HOW}",
            "target": _target(row),
            "scorer": "gsm8k",
            "tags": tags_of(row, "task"),
        }


def _target(row: Foreign) -> str:
    if "target" in row:
        value = row["target"]
        return str(value) if isinstance(value, int) else text(row, "target").rpartition(_MARK)[2].strip()
    _, mark, number = text(row, "answer").rpartition(_MARK)
    if not mark:
        raise SuiteError("no #### before the number", field="answer")
    return number.strip()
