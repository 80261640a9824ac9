"""What neighbours say about each answer."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.memory.cache.gate.near import FEATURES, MAX_NEAR, Near, features
from stepwell.memory.store import Record

nears = st.lists(
    st.builds(
        Near,
        st.sampled_from("abcd"),
        st.floats(-1, 1),
        st.none() | st.floats(-50, 50),
    ),
    max_size=12,
).map(lambda found: sorted(found, key=lambda one: -one.similarity))
records = st.dictionaries(
    st.sampled_from("abcd"), st.builds(Record, st.integers(0, 10**6), st.integers(0, 10**6))
)


def named(near: list[Near], **records: Record) -> dict[str, dict[str, float]]:
    found = features(near, records, {"a": 5})
    return {one.answer_id: dict(zip(FEATURES, one.features, strict=True)) for one in found}


@given(nears, records)
def test_features_are_as_many_as_their_names_and_finite(near: list[Near], records: dict[str, Record]) -> None:
    found = features(near, records, {})

    assert len(found) <= 3
    assert bool(found) == bool(near)
    assert len({one.answer_id for one in found}) == len(found)
    for one in found:
        assert len(one.features) == len(FEATURES)
        assert all(math.isfinite(x) for x in one.features)


def test_most_votes_come_first_not_the_nearest_one() -> None:
    found = features([Near("a", 0.80), Near("b", 0.79), Near("b", 0.78), Near("b", 0.78)], {}, {})

    assert [one.answer_id for one in found] == ["b", "a"]
    assert found[0].similarity == 0.79


def test_margin_is_to_the_nearest_other_answer() -> None:
    found = named([Near("a", 0.9), Near("a", 0.85), Near("b", 0.7), Near("c", 0.6)])

    assert found["a"]["margin"] == pytest.approx(2.0)  # .2, in tenths
    assert found["b"]["margin"] == pytest.approx(-2.0)


def test_log_odds_are_the_group_s_best_and_the_rivals_best() -> None:
    found = named([Near("a", 0.9, 1.0), Near("a", 0.8, 3.0), Near("b", 0.7, -6.0), Near("c", 0.6)])

    assert found["a"]["log_odds"] == pytest.approx(1.0)
    assert found["a"]["rival_log_odds"] == pytest.approx(-2.0)
    assert (found["a"]["has_log_odds"], found["c"]["has_log_odds"]) == (1.0, 0.0)


def test_a_group_s_record_counts_for_and_against_it() -> None:
    near = [Near("a", 0.9)]

    good, new, bad = (
        named(near, a=record)["a"]["record"] for record in (Record(9, 0), Record(), Record(1, 8))
    )
    assert good > new > bad


def test_those_after_the_eighth_are_not_looked_at() -> None:
    near = [Near("a", 0.9)] * MAX_NEAR

    assert features([*near, Near("b", 0.89)], {}, {}) == features(near, {}, {})
