"""Rows of a file as they stand there, one after the other: JSON, JSON lines, CSV; packed or not."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from stepwell.evals.suite import SuiteError

Numbered = tuple[int, dict[str, object]]
_decode = msgspec.json.Decoder().decode
_SPLITS = ("_test", "_dev", "_val", "_validation", "_train")


def stem_of(path: Path) -> str:
    """The name of what a file holds: without endings, and without the split."""
    stem = path.name.removesuffix(".gz").rpartition(".")[0] or path.name
    return next((stem.removesuffix(split) for split in _SPLITS if stem.endswith(split)), stem)


def ending_of(path: Path) -> str:
    """The last ending, in small letters, that isn't the one of packing."""
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def rows_of(path: Path) -> Iterator[Numbered]:
    """Line (or place, from 1) and row, of .jsonl, .json, .csv and .tsv.

    Raises:
        SuiteError: It can't be read, or is not what its ending says.
    """
    read = {".json": _json, ".csv": _csv, ".tsv": _tsv}.get(ending_of(path), _json_lines)
    with opened(path) as file:
        yield from read(file, stem_of(path))


@contextmanager
def opened(path: Path) -> Iterator[IO[str]]:
    """A file as text, unpacked where it is gzip.

    Raises:
        SuiteError: It can't be read to its end; while reading, too.
    """
    try:
        with open(path, "rb") as raw:  # once: a pipe can't be read twice
            is_packed = raw.peek(2)[:2] == b"\x1f\x8b"
            plain: gzip.GzipFile | io.BufferedReader = gzip.GzipFile(fileobj=raw) if is_packed else raw
            with io.TextIOWrapper(plain, encoding="utf-8-sig", newline="\n") as text:
                yield text
    except (OSError, EOFError, zlib.error) as e:
        raise SuiteError(f"{path}: {getattr(e, 'strerror', None) or 'not a whole gzip file'}") from e
    except UnicodeDecodeError:
        raise SuiteError(f"{path}: not UTF-8") from None


def decoded(text: str, line: int | None) -> object:
    """A JSON value.

    Raises:
        SuiteError: It is none.
    """
    try:
        value: object = _decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise SuiteError("not valid JSON", line=line) from None
    return value


def _json_lines(file: IO[str], stem: str) -> Iterator[Numbered]:
    for n, line in enumerate(file, start=1):
        if line.strip():
            yield n, _row(decoded(line, n), n)


def _json(file: IO[str], stem: str) -> Iterator[Numbered]:
    """A list of rows, or an object that holds one: BBH's {"examples": [...]} names its task by the file's name."""
    value = decoded(file.read(), None)
    is_task = isinstance(value, dict) and "examples" in value
    if isinstance(value, dict):
        value = value.get("examples", value.get("rows", value.get("data")))
    if not isinstance(value, list):
        raise SuiteError("a list of rows expected, or an object that holds one as examples, rows or data")
    for n, row in enumerate(value, start=1):
        yield n, ({"task": stem} if is_task else {}) | _row(row, n)


def _row(value: object, n: int) -> dict[str, object]:
    if not isinstance(value, dict):
        raise SuiteError("an object expected", line=n)
    return value


def _tsv(file: IO[str], stem: str) -> Iterator[Numbered]:
    return _csv(file, stem, delimiter="\t")


def _csv(file: IO[str], stem: str, delimiter: str = ",") -> Iterator[Numbered]:
    """Rows by their header; MMLU's files have none: question, options, letter."""
    rows = csv.reader(file, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    try:
        for cells in rows:
            if header is None and not _is_headless(cells):
                header = [cell.strip() for cell in cells]
            elif header is None:
                yield rows.line_num, _question(cells, stem, rows.line_num)
            elif cells:
                yield rows.line_num, _by_header(header, cells, rows.line_num)
    except csv.Error:
        raise SuiteError("not valid CSV", line=rows.line_num) from None


def _is_headless(cells: list[str]) -> bool:
    gold = cells[-1].strip() if len(cells) >= 4 else ""
    return len(gold) == 1 and "A" <= gold <= "Z" and cells[0].strip().lower() != "question"


def _question(cells: list[str], stem: str, line: int) -> dict[str, object]:
    if not _is_headless(cells):
        raise SuiteError("a question, its options and a letter expected", line=line)
    return {"question": cells[0], "choices": cells[1:-1], "answer": cells[-1].strip(), "subject": stem}


def _by_header(header: list[str], cells: list[str], line: int) -> dict[str, object]:
    if len(cells) != len(header):
        raise SuiteError(f"{len(header)} cells expected, as in the header; {len(cells)} are there", line=line)
    row: Mapping[str, object] = dict(zip(header, cells, strict=True))
    return dict(row)
