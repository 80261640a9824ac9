"""What the iban check finds and leaves."""

from __future__ import annotations

import pytest

from stepwell.guards.checks.iban import make


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("to GB82 WEST 1234 5698 7654 32 today", "GB82 WEST 1234 5698 7654 32"),
        ("gb82west12345698765432", "gb82west12345698765432"),
        ("DE89370400440532013000,", "DE89370400440532013000"),
    ],
)
def test_finds(text: str, value: str) -> None:
    assert [text[f.start : f.end] for f in make().find(text)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "GB82 WEST 1234 5698 7654 33",
        "DE893704004405320130001",
        "ZZ82 1234 5678 9012",
        "in 2024 and AB12",
    ],
)
def test_leaves(text: str) -> None:
    assert make().find(text) == []
