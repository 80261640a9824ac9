"""Days that a question names, and how near turns are to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.memory.context.recall.asked_days import near_days

_BEGIN = datetime(2023, 1, 1, 12, tzinfo=UTC)
_TURNS = np.array([(_BEGIN + timedelta(days=i)).timestamp() for i in range(400)])
_NOW = datetime(2023, 6, 15, 9, tzinfo=UTC).timestamp()


def _day(i: int) -> str:
    return (_BEGIN + timedelta(days=i)).date().isoformat()


@pytest.mark.parametrize(
    ("question", "first", "last"),
    [
        ("What happened on 8 May 2023?", "2023-05-08", "2023-05-08"),
        ("What happened on May 8th, 2023?", "2023-05-08", "2023-05-08"),
        ("What happened on 2023-05-08?", "2023-05-08", "2023-05-08"),
        ("What happened on the 8th of May?", "2023-05-08", "2023-05-08"),
        ("What did he buy in June 2023?", "2023-06-01", "2023-06-30"),
        ("What did he buy in may?", "2023-05-01", "2023-05-31"),
        ("Where was she during Sept?", "2023-09-01", "2023-09-30"),
        ("What was it yesterday?", "2023-06-14", "2023-06-14"),
        ("What did I say 3 days ago?", "2023-06-12", "2023-06-12"),
        ("What did I say two weeks ago?", "2023-05-29", "2023-06-04"),
        ("What did I say on Monday?", "2023-06-12", "2023-06-12"),
        ("What did I ask this morning?", "2023-06-15", "2023-06-15"),
    ],
)
def test_a_day_or_month_is_read(question: str, first: str, last: str) -> None:
    near = near_days(question, _NOW, _TURNS)
    assert near is not None
    days = [_day(int(i)) for i in np.flatnonzero(near == 1)]
    assert (days[0], days[-1]) == (first, last)


@pytest.mark.parametrize(
    "question",
    [
        "May I ask you something?",
        "Will they march?",
        "What did he buy?",
        "Version 2023 of it",
        "On 31 June 2023?",
    ],
)
def test_other_words_are_no_days(question: str) -> None:
    assert near_days(question, _NOW, _TURNS) is None


def test_days_after_count_more_than_days_before() -> None:
    near = near_days("What happened on 8 May 2023?", 0.0, _TURNS)
    assert near is not None
    at = int(near.argmax())
    assert near[at] > near[at + 3] > near[at - 3] > near[at + 60]


def test_yesterday_says_nothing_where_now_is_not_known() -> None:
    assert near_days("What was it yesterday?", 0.0, _TURNS) is None
    assert near_days("In May 2023?", _NOW, np.zeros(5)) is None


@given(st.text(max_size=60), st.floats(-1e18, 1e18), st.lists(st.floats(-1e18, 1e18), max_size=5))
def test_any_text_and_time_will_do(text: str, now: float, at_s: list[float]) -> None:
    near = near_days(f"yesterday in May {text}", now, np.array(at_s, dtype=np.float64))
    assert near is None or (near.shape == (len(at_s),) and ((near >= 0) & (near <= 1)).all())
