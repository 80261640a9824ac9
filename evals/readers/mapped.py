"""Rows of any shape, by a mapping from our fields to theirs: `prompt=question,target=answers.0,scorer==numeric`.

A dot goes into lists and objects; a second = begins a value that is the same for every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from stepwell.evals.readers.fields import Foreign, plain_value
from stepwell.evals.suite import SuiteError

OURS = ("id", "prompt", "messages", "turns", "target", "scorer", "tags", "cluster", "params")


def check_fields(fields: Mapping[str, str]) -> None:
    """Refuse a mapping that names no field of ours, or gives one nothing.

    Raises:
        SuiteError: It does.
    """
    wrong = next((ours for ours, theirs in fields.items() if ours not in OURS or theirs in ("", "=")), None)
    if wrong is not None or not {"prompt", "messages"} & set(fields):
        raise SuiteError(
            f"fields are given as prompt=THEIRS,target=THEIRS; ours are {', '.join(OURS)}", field=wrong
        )


def columns(fields: Mapping[str, str]) -> list[str]:
    """The columns that a mapping reads."""
    return sorted({theirs.split(".")[0] for theirs in fields.values() if not theirs.startswith("=")})


def lines(rows: Iterable[Foreign], fields: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """Rows as lines of a suite: theirs.0.text goes into lists and objects.

    Raises:
        SuiteError: A row lacks a field.
    """
    for n, row in enumerate(rows, start=1):
        line = {ours: plain_value(_found(row, theirs), theirs) for ours, theirs in fields.items()}
        line.setdefault("id", n)
        for many in ("tags", "turns"):
            if many in line and not isinstance(line[many], list):
                line[many] = [str(line[many])]
        if "cluster" in line:
            line["cluster"] = str(line["cluster"])
        yield line


def _found(row: Foreign, theirs: str) -> object:
    if theirs.startswith("="):
        return theirs[1:]
    value: object = row
    for step in theirs.split("."):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            raise SuiteError("this field is missing", field=theirs)
    return value
