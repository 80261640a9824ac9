"""What the email check finds and leaves."""

from __future__ import annotations

import pytest

from stepwell.guards.checks.email import make


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("mail jane.doe+x@mail.example.org.", "jane.doe+x@mail.example.org"),
        ("...a@x.io, please", "a@x.io"),
        ("<jürgen@bücher.example>", "jürgen@bücher.example"),
    ],
)
def test_finds(text: str, value: str) -> None:
    assert [text[f.start : f.end] for f in make().find(text)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "a@b",
        "@decorator and x@ y",
        "git@host:path",
        "a" * 65 + "@x.io",
        "pip install pkg@1.2.3",
    ],
)
def test_leaves(text: str) -> None:
    assert make().find(text) == []
