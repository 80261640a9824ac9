"""What the phone check finds and leaves."""

from __future__ import annotations

import pytest

from stepwell.guards.checks.phone import make


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("call (206) 479-4041 today", "(206) 479-4041"),
        ("+44 20 7888 8577", "+44 20 7888 8577"),
        ("tel:+49 30 5075476", "+49 30 5075476"),
        ("my mobile is 07700 063 966", "07700 063 966"),
        ("user=415.579.9160 status", "415.579.9160"),
        ("Fax: 463-612-6138x036", "463-612-6138"),
    ],
)
def test_finds(text: str, value: str) -> None:
    assert [text[f.start : f.end] for f in make().find(text)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21",
        "call at 21/11/2026",
        "order 4521367 890 121",
        "25.612230, 131.007144 from the call",
        "call version 18.18.14.9069",
        "978-3-16-148410-0",
        "ts=1719212858 after the call",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
    ],
)
def test_leaves(text: str) -> None:
    assert make().find(text) == []
