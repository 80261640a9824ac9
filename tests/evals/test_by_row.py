"""Rows of a journal can be had one at a time, as they stand there."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.evals.by_row import entries_by_row
from stepwell.evals.entries import Entry, Header, JournalError, last_of
from stepwell.evals.journal import Journal


def entry(key: str, row: str, **more: object) -> Entry:
    fields = {"key": key, "ask": key, "row": row, "tier": "t", "score": 1.0, "answer": f"é {key}", **more}
    return Entry(**fields)  # type: ignore[arg-type]


def written(path: Path) -> Path:
    with Journal(path) as journal:
        journal.append(Header("s", "sha", 4))
        journal.append(entry("b1", "b", score=None, error="tier_timeout", nano_usd=3))
        journal.append(entry("a1", "a"))
        journal.append(entry("b2", "b"))
        journal.append(entry("b1", "b", nano_usd=4))
    return path


def test_rows_come_as_asked_with_their_entries_in_order(tmp_path: Path) -> None:
    found = list(entries_by_row(written(tmp_path / "j"), ["a", "none", "b"]))
    assert [[e.answer for e in entries] for entries in found] == [["é a1"], [], ["é b1", "é b2", "é b1"]]
    assert [(o.key, o.score, o.nano_usd) for o in last_of(found[2])] == [("b1", 1.0, 7), ("b2", 1.0, 0)]


def test_a_torn_last_line_is_no_entry_and_damage_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "j")
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert [len(e) for e in entries_by_row(path, ["b"])] == [2]
    path.write_bytes(whole.replace(b'"key":"a1"', b'"key":a1"'))
    with pytest.raises(JournalError, match="line 3"):
        list(entries_by_row(path, ["b"]))
