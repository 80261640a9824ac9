"""Every check that streams keeps its word: what it calls decided does not change with more text."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stepwell.guards import checks
from stepwell.guards.check import EDGE, NEAR_CHARS, StreamCheck

NAMES = (
    "credit_card",
    "date_of_birth",
    "email",
    "iban",
    "ip_address",
    "national_id",
    "phone",
    "secrets",
    "us_ssn",
)
CHECKS: dict[str, StreamCheck] = {n: c for n in NAMES if isinstance(c := checks.make(n, {}), StreamCheck)}
PARTS = (
    "jane.doe@example.org",
    "jane (at) mail (dot) example.org",
    "jane[at]mail[dot]org",
    " (at) ",
    "[dot] ",
    "+44 20 7888 8577",
    "(206) 479-4041",
    "06 12 34 56 78",
    "0171 1234567",
    "4111 1111 1111 1111",
    "GB82 WEST 1234 5698 7654 32",
    "413-18-7830",
    "218.68.44.86",
    "AB 12 34 56 C",
    "X-2482300-W",
    "54.362.315-K",
    "RCCMNL83S18D969H",
    "295012A07801259",
    "2 55 08 14 168 025 38",
    "390.533.447-05",
    "131052A308T",
    "BOXW310820HNERXN09",
    "ACUPA7085R",
    "BSN 111222333",
    "born on 12 March 1985",
    "dob: 12/3/85",
    "password: hunter2-and-more",
    "AKIA" + "B2" * 8,
    "110201543:AAVd4wC05iwldnysNKJJKj5dGKe7bfSGxcJ",
    "my password is Tr0ub4dor&3",
    "Authorization: Basic YW5uOmNDcDRmamdmNk1R",
    "https://x.io/b?sv=1&sig=Vd4wC05iwldnysNKJJKj5dGKe7bfSGxcJ6",
    "https://discord.com/api/webhooks/123456789012345678/Vd4wC05iwldnysNKJJKj5dGKe7bfSGxcJ6Vd4wC05iwldnysNKJJKj",
    "token is ",
    "gsk_" + "aB3" * 15,
    "eyJ",
    "call ",
    "nhs ",
    "né le 3 mai 1990",
    "geboren 12. März 1985",
    " ",
    "-",
    "1",
    "A",
    ".",
    "\\n",
    "\n",
    "é",
    "x",
    "the ",
    ", ",
    "(",
    "+",
    "/",
)
texts = st.lists(st.sampled_from(PARTS) | st.text("0123456789 -./AXb", max_size=8), max_size=7).map("".join)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=80)
@given(text=texts)
@example(text="AB 12 34 56 C")
@example(text="call 06 12 34 56 78 now")
def test_what_is_decided_stays(name: str, text: str) -> None:
    check = CHECKS[name]
    whole = check.find(text)
    for n in range(len(text)):
        begun = text[:n]
        at = check.open_at(begun)
        assert [f for f in check.find(begun) if f.start < at] == [f for f in whole if f.start < at], begun


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=80)
@given(text=texts)
def test_nothing_begins_before_what_the_quiet_path_sees(name: str, text: str) -> None:
    check = CHECKS[name]
    quiet = re.compile(f"{EDGE}(?:({check.alert or '(?!)'})|{check.tail or '(?!)'})")
    starts = [f.start for f in check.find(text)]
    for n in range(len(text)):
        begun = text[:n]
        if any(w in begun.lower() for w in check.near) and re.search(check.lead, begun):
            continue
        seen = quiet.search(begun)
        if seen is None or not seen.lastindex:
            at = n if seen is None else seen.start()
            assert not [s for s in starts if s < at], (begun, at)


@pytest.mark.parametrize("name", [n for n in NAMES if CHECKS[n].near])
@given(text=texts)
def test_a_lead_shows_one_of_its_near_words(name: str, text: str) -> None:
    check = CHECKS[name]
    for m in re.finditer(check.lead, text):
        assert any(w in text[m.start() : m.start() + NEAR_CHARS].lower() for w in check.near)
