"""Lines reach a file whole, in order, and what can't is counted."""

from __future__ import annotations

import logging
import os
import stat
from functools import partial
from pathlib import Path

import pytest

from stepwell.base.line_writer import LineWriter
from stepwell.base.rotating import rotate


def line_of(n: int) -> bytes:
    if n < 0:
        raise ValueError("no line")
    return b"%d\n" % n


def test_lines_come_in_order_and_the_end_is_told(tmp_path: Path) -> None:
    ended: list[bool] = []
    path = tmp_path / "deep" / "f"
    writer = LineWriter(str(path), line_of, name="test", what="lines", at_end=lambda: ended.append(True))
    for n in range(1000):
        writer.send(n)
    writer.close()
    assert path.read_bytes() == b"".join(map(line_of, range(1000)))
    assert (ended, writer.n_lost, stat.S_IMODE(path.stat().st_mode)) == ([True], 0, 0o600)


def test_a_full_file_is_moved_aside_before_more_is_written(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"0\n" * 50)
    move = partial(rotate, max_bytes=100, n_files=1)
    writer = LineWriter(str(path), line_of, name="test", what="lines", before=move)
    writer.send(7)
    writer.close()
    assert (path.read_bytes(), (tmp_path / "f.1").read_bytes()) == (b"7\n", b"0\n" * 50)


def test_what_is_lost_is_counted_and_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    writer = LineWriter(str(tmp_path / "f"), line_of, name="test", what="lines")
    with caplog.at_level(logging.WARNING, "stepwell.test"):
        writer.send(-1)
        writer.close()
        writer.send(1)
    assert writer.n_lost == 2
    assert [r.getMessage() for r in caplog.records] == ["lines lost: ValueError"]


def test_a_line_that_a_full_disk_cut_is_ended_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    first = LineWriter(str(path), line_of, name="test", what="lines")
    whole = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda file, raw: whole(file, raw[:2]))
        first._write([123])
    first._write([45])
    assert path.read_bytes() == b"12\n45\n"


def test_a_place_that_can_not_be_written_shows_at_the_start() -> None:
    with pytest.raises(OSError, match="No such file"):
        LineWriter("/proc/nowhere/f", line_of, name="test", what="lines")
