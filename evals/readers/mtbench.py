"""MT-Bench: open questions in two turns, for a judge (Zheng et al. 2023, arXiv:2306.05685)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stepwell.evals.readers.fields import Foreign, tags_of, texts
from stepwell.evals.suite import SuiteError


def fits(row: Foreign) -> bool:
    """Whether a row has turns to ask and no target."""
    return isinstance(row.get("turns"), list) and "question_id" in row


def lines(rows: Iterable[Foreign]) -> Iterator[dict[str, object]]:
    """Rows {question_id, category, turns, reference} as lines of a suite that a model grades from 1 to 10.

    Raises:
        SuiteError: A field is missing or wrong.
    """
    for row in rows:
        number = row.get("question_id")
        if not isinstance(number, str | int) or isinstance(number, bool):
            raise SuiteError("a number or text expected", field="question_id")
        first, *further = texts(row, "turns")
        if not first.strip():
            raise SuiteError("the first turn is empty", field="turns")
        yield {
            "id": f"mtbench-{number}",
            "prompt": first,
            "turns": further,
            "scorer": {"name": "graded", "scale": "1-10", **_reference(row)},
            "tags": tags_of(row, "category"),
        }


def _reference(row: Foreign) -> dict[str, str]:
    """The right answers, one a turn; a part of the questions has none."""
    if not row.get("reference"):
        return {}
    given = texts(row, "reference")
    told = {n: part.strip() for n, part in enumerate(given, start=1) if part.strip()}
    return {"reference": "\n\n".join(f"Turn {n}: {part}" for n, part in told.items())} if told else {}
