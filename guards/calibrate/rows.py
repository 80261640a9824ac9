"""Labelled texts of one's own traffic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

import msgspec

from stepwell.base.decisions import Stage
from stepwell.base.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Labelled:
    """One text.

    Attributes:
        label: Whether it should be blocked.
        category: What kind of attack; "" where that is not told.
        source: Where it comes from: a data set, a team, a route.
        stage: Where it would stand.
        check: The check that had a person look at it: such a text is no sample of the traffic. "" for all others.
        documents: What an answer was made of.
    """

    text: str
    label: bool
    category: str = ""
    source: str = ""
    stage: Stage = "input"
    check: str = ""
    documents: tuple[str, ...] = ()


class _Row(msgspec.Struct):
    text: str
    label: int = 0
    category: str = ""
    source: str = ""
    stage: str = ""
    check: str = ""
    documents: tuple[str, ...] = ()


_DECODER = msgspec.json.Decoder(_Row)


def read_labelled(lines: Iterable[bytes]) -> list[Labelled]:
    """Rows {text, label: 0|1, category?, source?, stage?, check?, documents?}; without a label they are honest.

    Each text once. One with documents is an answer where no stage says otherwise.

    Raises:
        BadRequest: A line is no such row, or one text has both labels for one check.
    """
    known: dict[tuple[object, ...], Labelled] = {}
    for n, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = _read(line, n)
        before = known.setdefault((" ".join(row.text.split()).casefold(), row.check, row.documents), row)
        if before.label != row.label:
            raise BadRequest(f"Line {n}: a text that stood before, with the other label")
    return list(known.values())


def sample(rows: Sequence[Labelled], stages: Sequence[Stage] = ()) -> list[Labelled]:
    """Honest rows that nobody picked for their score; of some stages, or of all."""
    return [r for r in rows if not r.label and not r.check and (not stages or r.stage in stages)]


def _read(line: bytes, n: int) -> Labelled:
    try:
        row = _DECODER.decode(line.decode())
    except UnicodeError:
        raise BadRequest(f"Line {n}: not UTF-8") from None
    except (msgspec.DecodeError, RecursionError):
        raise BadRequest(f"Line {n}: not a JSON object with a text, and a label of 0 or 1") from None
    if not row.text.strip() or row.label not in (0, 1):
        raise BadRequest(f"Line {n}: the text must not be empty, and the label must be 0 or 1")
    told = row.stage or ("output" if row.documents else "input")
    if told not in get_args(Stage):
        raise BadRequest(f"Line {n}: stage must be one of {', '.join(get_args(Stage))}")
    stage: Stage = told  # type: ignore[assignment]  # looked up just now
    return Labelled(row.text, bool(row.label), row.category, row.source, stage, row.check, row.documents)
