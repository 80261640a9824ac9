"""What the credit_card check finds and leaves."""

from __future__ import annotations

import pytest

from stepwell.guards.checks.credit_card import make


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("card 4111 1111 1111 1111 exp 12/29", "4111 1111 1111 1111"),
        ("3782-822463-10005", "3782-822463-10005"),
        ("12 4111111111111111.", "4111111111111111"),
        ("Maestro 060412345674.", "060412345674"),
        ("JCB 180016070420458", "180016070420458"),
    ],
)
def test_finds(text: str, value: str) -> None:
    assert [text[f.start : f.end] for f in make().find(text)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "41111111111111111111111",
        "id-4111x1111",
        "3.4111111111111111",
    ],
)
def test_leaves(text: str) -> None:
    assert make().find(text) == []
