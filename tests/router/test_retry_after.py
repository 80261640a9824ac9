"""Retry-After as upstreams really send it."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.router.tiers.retry_after import MAX_S, retry_after_s


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, MAX_S),
        ({"retry-after": "999999999"}, MAX_S),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "7"}, 7.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_headers(headers: dict[str, str], wait_s: float | None) -> None:
    assert retry_after_s(headers) == wait_s


def test_a_date_to_come() -> None:
    wait_s = retry_after_s({"retry-after": formatdate(time.time() + 60, usegmt=True)})
    assert wait_s is not None
    assert 55 < wait_s <= 60


@given(st.text(max_size=40), st.text(max_size=40))
def test_nothing_raises(ms: str, value: str) -> None:
    wait_s = retry_after_s({"retry-after-ms": ms, "retry-after": value})
    assert wait_s is None or 0 <= wait_s <= MAX_S
