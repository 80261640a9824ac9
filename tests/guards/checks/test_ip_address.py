"""What the ip_address check finds and leaves."""

from __future__ import annotations

import pytest

from stepwell.guards.checks.ip_address import make


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("from 218.68.44.86.", "218.68.44.86"),
        ("at 10.0.0.1:8080", "10.0.0.1"),
        ("[2001:db8::8a2e:370:7334]", "2001:db8::8a2e:370:7334"),
        ("see fe80::1ff:fe23: there", "fe80::1ff:fe23"),
    ],
)
def test_finds(text: str, value: str) -> None:
    assert [text[f.start : f.end] for f in make().find(text)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "v1.2.3.4",
        "version 18.18.14.90",
        "1.2.3.4.5",
        "256.1.1.1",
        "12:30:45",
        "std::vector",
        "a::b",
    ],
)
def test_leaves(text: str) -> None:
    assert make().find(text) == []
