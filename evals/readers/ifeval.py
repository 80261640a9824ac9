"""IFEval: requests whose instructions a program can verify (Zhou et al. 2023, arXiv:2311.07911)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stepwell.evals.readers.fields import Foreign, text, texts
from stepwell.evals.suite import SuiteError


def fits(row: Foreign) -> bool:
    """Whether a row is one: it lists instructions and their arguments."""
    return "instruction_id_list" in row and "kwargs" in row


def lines(rows: Iterable[Foreign]) -> Iterator[dict[str, object]]:
    """Rows {key, prompt, instruction_id_list, kwargs} as lines of a suite; each instruction is a tag.

    Raises:
        SuiteError: A field is missing or wrong.
    """
    for n, row in enumerate(rows, start=1):
        prompt, names = text(row, "prompt"), texts(row, "instruction_id_list")
        target = {"instruction_id_list": names, "kwargs": _arguments(row), "prompt": prompt}
        key = row.get("key")
        yield {
            "id": f"ifeval-{n if key is None else key}",
            "prompt": prompt,
            "target": target,
            "scorer": "ifeval",
            "tags": list(dict.fromkeys(names)),
        }


def _arguments(row: Foreign) -> list[dict[str, object]]:
    """The arguments of each instruction; null, which tables write for what isn't there, is left out."""
    given = row.get("kwargs")
    if not isinstance(given, list) or not all(one is None or isinstance(one, dict) for one in given):
        raise SuiteError("a list of objects expected", field="kwargs")
    return [{str(k): v for k, v in (one or {}).items() if v is not None} for one in given]
