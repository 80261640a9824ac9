"""What the us_ssn check finds and leaves."""

from __future__ import annotations

import pytest

from stepwell.guards.checks.us_ssn import make


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("SSN 413-18-7830.", "413-18-7830"),
        ("413 18 7830", "413 18 7830"),
    ],
)
def test_finds(text: str, value: str) -> None:
    assert [text[f.start : f.end] for f in make().find(text)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "000-12-3456",
        "666-12-3456",
        "912-12-3456",
        "413-00-7830",
        "413-18-0000",
        "413-18 7830",
        "1413-18-78301",
    ],
)
def test_leaves(text: str) -> None:
    assert make().find(text) == []
