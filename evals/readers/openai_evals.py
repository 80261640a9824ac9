"""Samples of openai/evals: a chat and its ideal answer, or several."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from stepwell.evals.readers.fields import Foreign, id_of, text, texts
from stepwell.evals.suite import SuiteError

_LETTER = re.compile(r"[A-Z]")


def fits(row: Foreign) -> bool:
    """Whether a row has an input and an ideal answer."""
    return "input" in row and "ideal" in row


def lines(rows: Iterable[Foreign]) -> Iterator[dict[str, object]]:
    """Rows {input, ideal} as lines of a suite: a letter is scored as a choice, all else as exact text.

    Raises:
        SuiteError: A field is missing or wrong.
    """
    for n, row in enumerate(rows, start=1):
        ideal = texts(row, "ideal") if isinstance(row.get("ideal"), list) else [text(row, "ideal")]
        is_letter = all(_LETTER.fullmatch(one.strip()) for one in ideal)
        yield {
            "id": id_of(row, n, "sample"),
            **_asked(row),
            "target": ideal,
            "scorer": "choice" if is_letter else "exact",
        }


def matched(rows: Iterable[Foreign]) -> Iterator[dict[str, object]]:
    """As `lines`, scored as openai/evals' own Match does: the answer begins with the ideal one.

    Raises:
        SuiteError: A field is missing or wrong.
    """
    for line in lines(rows):
        yield line | {"scorer": "starts_with"}


def _asked(row: Foreign) -> dict[str, object]:
    given = row.get("input")
    if not isinstance(given, list):
        return {"prompt": text(row, "input")}
    if not given or not all(isinstance(m, Mapping) for m in given):
        raise SuiteError("a list of messages expected", field="input")
    return {"messages": [dict(m) for m in given]}
