"""The alarm: seldom false however long it looks, and quick where traffic moves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.evals.shift.alarm import LATEST, Alarm, Split, watch
from stepwell.evals.shift.discriminant import TOGETHER

Rows = np.ndarray


def _watched(old: Rows, new: Rows, *, seed: int = 0, alpha: float = 0.05) -> Alarm:
    split = Split(len(old), len(new), seed=seed)
    return watch(split, {"first": (old[:, 0], new[:, 0])}, (old, new), alpha=alpha)


@pytest.mark.parametrize(("n_old", "n_new"), [(400, 100), (200, 200), (60, 300)])
def test_false_alarms_are_rarer_than_promised(n_old: int, n_new: int) -> None:
    rng = np.random.default_rng(0)
    alarms = [
        _watched(*np.split(rng.normal(size=(n_old + n_new, 3)), [n_old]), alpha=0.2).is_on for _ in range(150)
    ]
    assert np.mean(alarms) <= 0.2


def test_expected_wealth_is_one_where_nothing_moved() -> None:
    rng = np.random.default_rng(1)
    wealth = [_watched(*np.split(rng.normal(size=(90, 2)), [60])).wealth for _ in range(800)]
    assert np.mean(wealth) == pytest.approx(1.0, abs=4 * np.std(wealth) / np.sqrt(len(wealth)))


def test_it_goes_off_soon_after_the_change_and_not_before() -> None:
    rng = np.random.default_rng(2)
    rows = []
    for seed in range(10):
        old, new = rng.normal(size=(2000, 4)), rng.normal(size=(400, 4))
        new[150:] += 1.0
        rows.append(_watched(old, new, seed=seed).row)
    assert all(row is not None and 150 < row < 260 for row in rows)


def test_a_quiet_beginning_does_not_delay_it_much() -> None:
    rng = np.random.default_rng(7)
    rows = {}
    for n_quiet in (0, 400):
        old, new = rng.normal(size=(3000, 4)), rng.normal(size=(n_quiet + 200, 4))
        new[n_quiet:] += 0.6
        found = _watched(old, new).row
        assert found is not None
        rows[n_quiet] = found - n_quiet
    assert 0 < rows[400] < rows[0] + 80


def test_a_rare_new_kind_is_found_by_what_was_learnt() -> None:
    rng = np.random.default_rng(3)
    old, new = rng.normal(size=(3000, 5)), rng.normal(size=(800, 5))
    new[rng.random(800) < 0.1, 4] += 4.0
    found = _watched(old, new)
    assert found.is_on
    assert found.loudest in (TOGETHER, LATEST)


def test_few_reference_rows_are_said_to_slow_it_down() -> None:
    rng = np.random.default_rng(4)
    found = _watched(rng.normal(size=(80, 2)), rng.normal(1.5, size=(300, 2)))
    assert found.n_reference_a_row < 1
    assert found.is_on


@settings(max_examples=40)
@given(st.integers(2, 300), st.integers(1, 300), st.integers(0, 5))
def test_no_reference_row_is_used_twice(n_old: int, n_new: int, seed: int) -> None:
    split = Split(n_old, n_new, seed=seed)
    used = np.concatenate((split.known, split.fresh))
    assert len(set(used.tolist())) == len(used)
    assert used.max(initial=0) < n_old
    assert split.n_recent <= n_new


def test_the_order_of_values_alone_counts() -> None:
    rng = np.random.default_rng(5)
    old, new = rng.normal(size=(200, 1)), rng.normal(0.3, size=(100, 1))
    split = Split(200, 100, seed=0)
    plain = watch(split, {"x": (old[:, 0], new[:, 0])}, None)
    grown = watch(split, {"x": (np.exp(old[:, 0]), np.exp(new[:, 0]))}, None)
    assert plain.most == pytest.approx(grown.most, rel=0.05)
