"""Weights from verdicts, some of them wrong."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.memory.cache.gate.belief import Belief
from stepwell.memory.cache.gate.evidence import Verdicts
from stepwell.memory.cache.gate.logistic import JudgeError, fit_logistic

SURE = JudgeError(0.0, 0.0)
TRUE = np.array([0.5, 2.0, -1.0])


def drawn(n: int, *, judge_error: float = 0.0, seed: int = 0) -> Verdicts:
    rng = np.random.default_rng(seed)
    rows = np.concatenate((np.ones((n, 1)), rng.normal(size=(n, 2)) * 2), axis=1)
    is_same = rng.random(n) < 1 / (1 + np.exp(-rows @ TRUE))
    is_same ^= rng.random(n) < judge_error
    ones: NDArray[np.float64] = np.ones(n)
    return Verdicts(rows, is_same.astype(np.float64), ones * 0.5, ones, ones)


def flat(sd: float = 10.0) -> Belief:
    return Belief(np.zeros(3), np.eye(3) * sd**2)


def test_finds_the_weights_and_how_sure_they_are() -> None:
    fit = fit_logistic(drawn(4000), flat(), flat(), SURE)

    sd = np.sqrt(np.diag(fit.belief.covariance))
    assert np.all(np.abs(fit.belief.mean - TRUE) < 4 * sd)
    assert np.all(sd < 0.15)


def test_is_at_the_top_of_the_likelihood_where_sklearn_is_too() -> None:
    sklearn = pytest.importorskip("sklearn.linear_model")
    found = drawn(300)

    theirs = sklearn.LogisticRegression(C=1.0, fit_intercept=False, tol=1e-8).fit(found.rows, found.is_same)
    ours = fit_logistic(found, flat(sd=1.0), flat(sd=1.0), SURE)

    assert ours.belief.mean == pytest.approx(theirs.coef_[0], abs=1e-3)


def test_a_count_is_as_good_as_that_many_rows() -> None:
    found = drawn(200)
    twice = Verdicts(
        *(
            np.concatenate((part, part))
            for part in (found.rows, found.is_same, found.p_same, found.was_hit, found.counts)
        )
    )

    counted = fit_logistic(found.counted(found.counts * 2), flat(), flat(), SURE)
    assert counted.belief.mean == pytest.approx(
        fit_logistic(twice, flat(), flat(), SURE).belief.mean, abs=1e-4
    )


def test_wrong_verdicts_do_not_flatten_the_slopes() -> None:
    found = drawn(6000, judge_error=0.05)

    naive = fit_logistic(found, flat(), flat(), SURE)
    told = fit_logistic(found, flat(), flat(), JudgeError(0.05, 0.015))
    assert np.abs(told.belief.mean - TRUE).max() < 0.25
    assert np.abs(naive.belief.mean[1:]).min() < 0.8 * np.abs(TRUE[1:]).min()


def test_a_judge_thought_to_err_is_found_not_to() -> None:
    fit = fit_logistic(drawn(4000), flat(), flat(), JudgeError(0.05, 0.015))

    assert fit.judge_error < 0.02
    assert np.abs(fit.belief.mean - TRUE).max() < 0.4


def test_a_judge_is_never_thought_worse_than_told() -> None:
    fit = fit_logistic(drawn(3000, judge_error=0.2), flat(), flat(), JudgeError(0.05, 0.015))

    assert 0.0 <= fit.judge_error <= 0.05


def test_one_sided_verdicts_stay_finite() -> None:
    found = drawn(50)
    same = Verdicts(found.rows, np.ones(50), found.p_same, found.was_hit, found.counts)

    fit = fit_logistic(same, flat(1.0), flat(1.0), SURE)
    assert np.isfinite(fit.belief.mean).all()
    assert fit.belief.p_same(found.rows).min() > 0.3


def test_doubt_draws_p_towards_a_half() -> None:
    row = np.array([[1.0, 2.0, 0.0]])

    sure = Belief(TRUE, np.zeros((3, 3))).p_same(row)
    unsure = Belief(TRUE, np.eye(3)).p_same(row)
    assert 0.5 < unsure[0] < sure[0]
