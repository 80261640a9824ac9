"""Exact JSON: the value counts, not its spelling, and nothing more or less than it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.scorers import SCORERS
from stepwell.evals.scoring.whole_json import is_same_json, json_exact_scored

TARGET = '{"order":"A-1","amount":12.5,"paid":true}'
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("answer", "score", "valid", "fields"),
    [
        (TARGET, 1, 1, 1),
        (' {"paid": true, "amount": 12.50,\n "order": "A-1"} ', 1, 1, 1),
        (f"```json\n{TARGET}\n```", 1, 0, 1),
        (f"Here it is: {TARGET}", 0, 0, 0),
        ('{"order":"A-1","amount":12.5,"paid":true,"more":1}', 0, 1, 1),
        ('{"order":"A-1","amount":12.5}', 0, 1, 2 / 3),
        ('{"order":"A-1","amount":"12.5","paid":1}', 0, 1, 1 / 3),
        ('{"order":"A-1","order":"A-1","amount":12.5,"paid":true}', 0, 0, 0),
        ('{"order":"A-1","amount":NaN,"paid":true}', 0, 0, 0),
        ("[" * 100_000, 0, 0, 0),
        ("", 0, 0, 0),
    ],
)
def test_what_counts(answer: str, score: float, valid: float, fields: float) -> None:
    found = json_exact_scored(answer, TARGET)
    assert (found.score, found.parts["valid"], found.parts["fields"]) == (score, valid, fields)
    assert SCORERS["json_exact"].judge(answer, (TARGET,)).score == score


def test_a_target_has_to_be_json() -> None:
    assert SCORERS["json_exact"].fault("") == "nothing to compare with"
    assert SCORERS["json_exact"].fault("{") == "not JSON"
    assert SCORERS["json_exact"].fault("{}") is None


@given(VALUES, VALUES)
def test_it_is_equality_of_what_is_written(a: object, b: object) -> None:
    assert is_same_json(a, json.loads(json.dumps(a)))
    assert is_same_json(a, b) == is_same_json(b, a)
    if json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True):
        assert is_same_json(a, b)
