"""Tables on a real pseudo-terminal: however narrow it is, nothing of a figure or a name is lost."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence

import pytest

from stepwell.front.cli import terminal

HEAD = ("arm", "quality", "95 %", "rows", "cost", "a sample", "p50 ms", "p95 ms", "errors")
ROWS = (
    ("small", "0.712", "0.683 to 0.740", "1,000", "$0.000123", "$1.23e-07", "1203", "15321", "0"),
    (
        "openai/a-model-with-a-rather-long-name-2026",
        "0.934",
        "0.917 to 0.948",
        "1,000",
        "$12.35",
        "$0.0124",
        "2345",
        "23456",
        "11 tier_timeout, 3 tier_refused",
    ),
)
SHORT_HEAD = ("tier", "requests a day", "share", "what it is for")
SHORT_ROWS = (("small", "12,345", "12.3%", "questions about opening hours, orders, and what is sold where"),)


def on_terminal(head: Sequence[str], rows: Sequence[Sequence[str]], *, n_columns: int) -> str:
    """What a terminal of so many columns is sent."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, n_columns, 0, 0))
    code = f"from stepwell.front.cli.terminal import table; table({tuple(head)!r}, {tuple(rows)!r})"
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    told = b""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=theirs, env=environment | {"TERM": "xterm", "NO_COLOR": "1"}
    ) as asked:
        os.close(theirs)
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # Linux says so where the other end is closed
                break
            if not chunk:
                break
            told += chunk
    os.close(ours)
    assert asked.returncode == 0
    return re.sub(r"\x1b\[[\d;]*m", "", told.decode().replace("\r\n", "\n"))


@pytest.mark.parametrize("n_columns", [40, 80, 100, 160])
@pytest.mark.parametrize(("head", "rows"), [(HEAD, ROWS), (SHORT_HEAD, SHORT_ROWS)])
def test_nothing_is_cut(head: Sequence[str], rows: Sequence[Sequence[str]], n_columns: int) -> None:
    text = on_terminal(head, rows, n_columns=n_columns)
    assert "…" not in text
    assert max(len(line) for line in text.splitlines()) <= n_columns
    for row in rows:
        for cell in row[1:3]:
            assert cell in text, "figures stand in one piece"
    letters = sorted(c for cell in (*head, *(c for row in rows for c in row)) for c in cell if c.isalnum())
    shown = [c for c in text if c.isalnum()]
    for letter in set(letters):
        assert shown.count(letter) >= letters.count(letter)


def test_two_arms_stand_side_by_side_on_80_columns() -> None:
    lines = on_terminal(HEAD, ROWS, n_columns=80).splitlines()
    quality = next(line for line in lines if "quality" in line)
    assert "0.712" in quality
    assert "0.934" in quality


def test_where_there_is_room_it_is_a_table() -> None:
    text = on_terminal(HEAD, ROWS, n_columns=160)
    heads = next(line for line in text.splitlines() if "quality" in line)
    assert all(name in heads for name in HEAD)


def test_one_row_is_a_row() -> None:
    assert [terminal.rows(n) for n in (1, 2, 1200)] == ["1 row", "2 rows", "1,200 rows"]
