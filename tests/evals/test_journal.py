"""The journal outlives kills, torn lines and damage, and never holds half a truth."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.entries import Entry, Header, JournalError, read, read_entries, read_header
from stepwell.evals.journal import Journal


def entry(n: int, **more: object) -> Entry:
    fields = {
        "key": f"k{n}",
        "ask": f"a{n}",
        "row": str(n),
        "tier": "t",
        "score": 1.0,
        "answer": "é\n",
        **more,
    }
    return Entry(**fields)  # type: ignore[arg-type]


@given(cut=st.integers(0, 400))
def test_a_file_cut_anywhere_gives_whole_lines_only(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("j") / "j"
    with Journal(path) as journal:
        journal.append(Header("s", "sha", 3))
        for n in range(3):
            journal.append(entry(n))
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    with Journal(path) as journal:
        journal.append(entry(9))
    header, outcomes = read(path)
    n_lines = whole[:cut].count(b"\n")
    assert (header is not None) == (n_lines > 0)
    assert list(outcomes) == [f"k{n}" for n in range(max(0, n_lines - 1))] + ["k9"]
    assert {e.answer for e in read_entries(path)} == {"é\n"}


def test_a_sample_asked_again_keeps_what_its_first_end_cost(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.append(entry(1, score=None, error="served_by_another_tier", nano_usd=3))
        journal.append(entry(1, nano_usd=4))
    (outcome,) = read(tmp_path / "j")[1].values()
    assert (outcome.score, outcome.error, outcome.nano_usd) == (1.0, None, 7)


def test_damage_in_the_middle_is_told_by_line(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal(path) as journal:
        journal.append(entry(1))
        journal.append(entry(2))
    path.write_bytes(path.read_bytes().replace(b'"key":"k1"', b'"key":k1"', 1))
    with pytest.raises(JournalError, match="line 1"):
        read(path)
    assert [e.key for e in read_entries(path)] == ["k2"]


@pytest.mark.parametrize("make", [lambda p: p.mkdir(), lambda p: None])
def test_a_journal_that_cannot_be_read_is_an_error_of_ours(tmp_path: Path, make: object) -> None:
    path = tmp_path / "none"
    make(path)  # type: ignore[operator]
    with pytest.raises(JournalError):
        read(path)


def test_answers_are_for_their_owner_alone(tmp_path: Path) -> None:
    with Journal(tmp_path / "j"):
        assert (tmp_path / "j").stat().st_mode & 0o077 == 0


async def test_lines_are_synced_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with Journal(tmp_path / "j") as journal:
        async with journal.synced():
            for n in range(1000):
                journal.append(entry(n))
        assert journal.n_unsynced == 0
    assert 1 <= len(synced) < 100


def test_the_last_header_is_found_however_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "j"
    first, last = Header("s", "0", 1, ("run",)), Header("s", "1", 1, ("run",))
    lines = [msgspec.json.encode(first), msgspec.json.encode(entry(1, row="run", answer='{"t":"run"}'))]
    spaced = json.dumps(dict(sorted(msgspec.to_builtins(last).items()))).encode()
    path.write_bytes(b"\n".join([*lines, spaced, msgspec.json.encode(entry(2)), b""]))
    assert read_header(path) == read(path)[0] == last
