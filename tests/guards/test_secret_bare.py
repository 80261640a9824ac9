"""Assignments without quotes: what is found, in a time that does not depend on how many stand in one run."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.guards.checks.secrets import make
from stepwell.guards.secret_bare import bare_open_at, bare_values
from stepwell.guards.secret_phrases import ASSIGNED, BARE, NOT_BARE, given_by

PARTS = (
    *("password=", "password==", "api_key: ", "token", "=", "pwd:", "secret_key=", "passphrase => "),
    *("abc", "a1", "Zq9", "8", "EXAMPLE", "example", "xxxxxxxx", "xxxxx", "your", "$", "/", "http"),
    *(" ", "(", ")", ";", '"', "hunter2-and-more", "\\n", "é", "²", "."),
)
texts = st.lists(st.sampled_from(PARTS), max_size=14).map("".join)


def slow(text: str) -> set[tuple[int, int]]:
    """Each assignment by itself."""
    found = set()
    for m in re.finditer(rf"(?={ASSIGNED}(?P<v>{BARE}{{8,}}+)(?!\())", text):
        value = m["v"]
        is_sample = "EXAMPLE" in value.upper() or "xxxxxxxx" in value.lower()
        is_mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
        if is_mixed and not is_sample and not value.lower().startswith(NOT_BARE):
            found.add(m.span("v"))
    return found


@given(texts)
def test_finds_what_each_assignment_gives_but_ends_of_others(text: str) -> None:
    found = list(bare_values(text, given_by(text)))
    every = slow(text)
    assert set(found) <= every
    assert all(any(a <= start and end == b for a, b in found) for start, end in every)
    assert len({end for _, end in found}) == len(found)


@given(texts, st.integers(0, 40))
def test_open_is_the_first_value_that_reaches_the_end(text: str, start: int) -> None:
    start = min(start, len(text))
    m = re.compile(rf"{ASSIGNED}(?P<v>{BARE}*+)\Z").search(text, start)
    assert bare_open_at(text, start) == (len(text) if m is None else m.start("v"))


@pytest.mark.parametrize("n", [1, 2, 5000])
def test_many_in_one_run_are_one_secret(n: int) -> None:
    text = "x " + "password=" * n + "hunter2x4"
    (found,) = make().find(text)
    assert (found.start, found.end) == (len("x password="), len(text))


def test_a_long_secret_goes_wholly() -> None:
    text = "token=" + "aB3" * 100_000
    (found,) = make().find(text)
    assert found.end == len(text)


def test_a_call_is_no_value_however_many_lead_to_it() -> None:
    assert make().find("token=" * 2000 + "get1(") == []
