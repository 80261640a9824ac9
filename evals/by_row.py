"""A journal row by row: the answers of one row are in memory at a time, not those of a whole run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from stepwell.evals.entries import Entry, JournalError, Outcome, decode_entry, read_lines


def entries_by_row(path: str | Path, rows: Iterable[str]) -> Iterator[list[Entry]]:
    """The entries of each of these rows, in the order of arrival.

    Raises:
        JournalError: It can't be read, or a line other than a torn last one is damaged.
    """
    places = _places(path)
    try:
        with open(path, "rb") as file:
            for row in rows:
                found = []
                for start in places.get(row, ()):
                    file.seek(start)
                    item = decode_entry(file.readline(), f"{path}, byte {start}")
                    if isinstance(item, Entry):
                        found.append(item)
                yield found
    except OSError as e:
        raise JournalError(f"{path}: {e.strerror}") from e


def _places(path: str | Path) -> dict[str, list[int]]:
    """Row -> where its lines start."""
    places: dict[str, list[int]] = {}
    for item, start in read_lines(path):
        if isinstance(item, Outcome):
            places.setdefault(item.row, []).append(start)
    return places
