"""What the email check finds and leaves."""

from __future__ import annotations

import pytest

from stepwell.guards.checks.email import make


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("mail jane.doe+x@mail.example.org.", "jane.doe+x@mail.example.org"),
        ("...a@x.io, please", "a@x.io"),
        (
            "to jane.doe (at) mail (dot) example [dot] org, please",
            "jane.doe (at) mail (dot) example [dot] org",
        ),
        ("jane[AT]example.org.", "jane[AT]example.org"),
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
        "x[at] = y.com",
        "we met (at) noon. Then",
        "a" * 65 + "@x.io",
        "pip install pkg@1.2.3",
    ],
)
def test_leaves(text: str) -> None:
    assert make().find(text) == []


def test_an_address_behind_dots_is_open_where_it_begins() -> None:
    text = "...jane.doe@example.orgjane.doe@example.org"
    assert [text[f.start : f.end] for f in make().find(text)] == ["jane.doe@example.orgjane.doe"]
    assert make().open_at("...jane.doe@exa", 3) == 3
    assert make().open_at("a.jane", 2) == 6
