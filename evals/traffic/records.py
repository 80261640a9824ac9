"""JSON records of a log file, each with its line; what can't be read is named by line, never shown."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import msgspec

from stepwell.base.errors import StepwellError

_decode = msgspec.json.Decoder().decode
_PAGES = ("data", "observations", "generations", "logs", "spend_logs")


class TrafficError(StepwellError):
    """A log can't be used. Never shows what stands in it."""

    code = "traffic_error"


class BadRecord(TrafficError):
    """One record can't be read; the others can."""

    code = "bad_record"


@dataclass(frozen=True, slots=True)
class Bad:
    """A record that was left out: its line, from 1 (in a JSON array: its place), and why."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON object and where it stood."""

    line: int
    values: Mapping[str, object]


def is_object(value: object) -> TypeGuard[dict[str, object]]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def read_records(path: str | Path) -> Iterator[Record | Bad]:
    """Every object of JSON Lines, of one JSON array, or of a page {"data": [...]}; .gz too.

    Raises:
        TrafficError: The file can't be read.
    """
    data = _bytes(path)
    lines = data.splitlines()
    if not _is_object_line(lines):
        whole = _listed(data)
        if whole is not None:
            yield from (_record(n, item) for n, item in enumerate(whole, start=1))
            return
    for n, line in enumerate(lines, start=1):
        if line.strip():
            yield _parsed(n, line)


def _bytes(path: str | Path) -> bytes:
    try:
        data = Path(path).read_bytes()
        return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    except OSError as e:
        raise TrafficError(f"{path}: {e.strerror or 'not a whole gzip file'}") from e
    except (EOFError, zlib.error) as e:
        raise TrafficError(f"{path}: not a whole gzip file") from e


def _is_object_line(lines: list[bytes]) -> bool:
    """Whether the first line is an object by itself, and no page of others."""
    first = next((line for line in lines if line.strip()), b"")
    try:
        found = _decode(first)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return is_object(found) and not any(isinstance(found.get(name), list) for name in _PAGES)


def _listed(data: bytes) -> list[object] | None:
    try:
        found: object = _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if is_object(found):
        pages = (found.get(name) for name in _PAGES)
        found = next((page for page in pages if isinstance(page, list)), [found])
    return found if isinstance(found, list) else None


def _parsed(n: int, line: bytes) -> Record | Bad:
    try:
        return _record(n, _decode(line))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Bad(n, "not JSON")


def _record(n: int, value: object) -> Record | Bad:
    return Record(n, value) if is_object(value) else Bad(n, "not a JSON object")
