"""Few rows or clusters: nothing is shown that flipping signs would show as easily."""

from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.verdict.evidence import Gaps, weigh
from stepwell.evals.verdict.fixed import compare
from stepwell.evals.verdict.flips import SignFlips, least_apart
from stepwell.evals.verdict.looks import Looks
from stepwell.evals.verdict.sequential import look

few = st.lists(st.sampled_from([-1.0, -0.6, -0.5, 0.0, 0.25, 0.5, 0.9, 1.0]), min_size=2, max_size=20)


@pytest.mark.parametrize("n", range(2, 10))
def test_rows_of_nearly_one_size_are_falsely_told_apart_in_a_twentieth_at_most(n: int) -> None:
    sizes = [1 - 0.002 * i for i in range(n)]
    all_signs = list(product((1.0, -1.0), repeat=n))
    found = [weigh([s * d for s, d in zip(signs, sizes, strict=True)]) for signs in all_signs]
    assert sum(e.p <= 0.05 for e in found) <= 0.05 * len(found)
    missed = sum(not e.interval(0.95)[0] <= 0 <= e.interval(0.95)[1] for e in found)
    assert missed <= 0.05 * len(found)


@pytest.mark.parametrize("n_clusters", [2, 3, 4, 5, 8])
def test_clusters_that_go_together_are_falsely_told_apart_in_a_twentieth_at_most(n_clusters: int) -> None:
    names = [str(i % n_clusters) for i in range(3 * n_clusters)]
    n_false = n_missed = 0
    for signs in product((1.0, -1.0), repeat=n_clusters):
        # one row of the first cluster is a tie, so the clusters' means differ in size
        gaps = [signs[i % n_clusters] if i else 0.0 for i in range(len(names))]
        evidence = weigh(gaps, names)
        low, high = evidence.interval(0.95)
        n_false += evidence.p <= 0.05
        n_missed += not low <= 0 <= high
    assert max(n_false, n_missed) <= 0.05 * 2**n_clusters


@given(few, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_an_interval_clears_0_only_where_the_test_does(gaps: list[float], level: float) -> None:
    evidence = weigh(gaps)
    low, high = evidence.interval(level)
    assert low - 1e-9 <= evidence.difference <= high + 1e-9
    if isinstance(evidence, Gaps) and not low <= 0 <= high:
        assert evidence.p <= 1 - level + 1e-9


@given(few | st.lists(st.sampled_from([0.0, 0.5]), max_size=20), st.integers(0, 20), st.integers(1, 5))
def test_looks_at_any_few_rows_agree_with_themselves(gaps: list[float], n_there: int, n_looks: int) -> None:
    order = [str(i) for i in range(20)]
    a = dict(enumerate_ids(gaps[:n_there]))
    (pair,) = look({"a": a, "b": dict.fromkeys(a, 0.0)}, order, Looks(20, n_looks, first=3), margin=0.1)
    assert pair.low - 1e-6 <= pair.difference <= pair.high + 1e-6
    if pair.word in ("better", "worse"):
        assert pair.p <= 0.05


def test_flips_by_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = random.Random(3)
    for n in (3, 6, 9):
        gaps = [rng.choice((0.3, 0.7, 1.0, -0.4, 0.55)) for _ in range(n)]
        told = stats.permutation_test(
            (gaps,),
            lambda x, axis: x.mean(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=1e6,
        )
        assert SignFlips.of([(g, 1) for g in gaps]).p == pytest.approx(told.pvalue)


def test_many_rows_keep_to_t() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = random.Random(8)
    gaps = [rng.gauss(0.1, 0.3) for _ in range(40)]
    evidence = weigh(gaps)
    told = stats.ttest_1samp(gaps, 0.0)
    assert evidence.p == pytest.approx(told.pvalue)
    interval = told.confidence_interval(0.95)
    assert evidence.interval(0.95) == pytest.approx((interval.low, interval.high))


def test_a_few_scores_that_differ_among_many_show_no_more_than_rights_would() -> None:
    gaps = [1.0, 0.9, 1.0, 0.9, 1.0] + [0.0] * 995
    evidence = weigh(gaps)
    assert isinstance(evidence, Gaps)
    assert evidence.p == pytest.approx(2 / 32)
    assert evidence.interval(0.95)[0] <= 0
    assert weigh([*gaps, 0.9]).p == pytest.approx(2 / 64, abs=0.02)
    pair = compare({"a": dict(enumerate_ids(gaps)), "b": dict.fromkeys(map(str, range(1000)), 0.0)})[0]
    assert pair.word == "need more"
    assert pair.n_more is not None
    assert pair.n_more >= 200  # of which one differs, and six do at least


def enumerate_ids(values: list[float]) -> list[tuple[str, float]]:
    return [(str(i), v) for i, v in enumerate(values)]


def test_a_few_rows_or_clusters_of_one_size_do_not_rule_out_larger_ones() -> None:
    for evidence in (weigh([0.1] * 5), weigh([0.1, 0.3, 0.3, 0.1], ["x", "x", "y", "y"])):
        assert evidence.interval(0.95) == (-1, 1)
    assert weigh([0.1] * 6).interval(0.95)[0] > 0
    pair = compare({"a": {"x": 0.51, "y": 0.51}, "b": {"x": 0.5, "y": 0.5}}, margin=0.02)[0]
    assert pair.word == "need more"


def test_least_units() -> None:
    assert [least_apart(level) for level in (0.5, 0.95, 0.975)] == [2, 6, 7]
    assert least_apart(1.0) > 60
    assert SignFlips.of([(1.0, 1)] * 40).p == 2.0**-39
    assert SignFlips.of([(0.0, 1)] * 5).p == 1.0
    assert SignFlips.of([(1.0, 1)] * 5).interval(0.95) == (float("-inf"), float("inf"))


def test_looks_show_no_more_by_few_rows_than_flips_do() -> None:
    n = 60
    order = [str(i) for i in range(n)]
    b = dict.fromkeys(order, 0.0)
    few_apart = b | {str(10 * i): 1 - 0.01 * i for i in range(5)}
    (pair,) = look({"a": few_apart, "b": b}, order, Looks(n, 1))
    assert pair.word == "need more"
    assert pair.p == pytest.approx(2 / 32)
    assert pair.low <= 0
    more_apart = b | {str(5 * i): 1 - 0.01 * i for i in range(10)}
    (pair,) = look({"a": more_apart, "b": b}, order, Looks(n, 1))
    assert pair.word == "better"
    assert pair.low > 0


def test_looks_at_few_rows_of_one_size_hold_what_they_saw() -> None:
    order = [str(i) for i in range(20)]
    b = dict.fromkeys(order, 0.0)
    (pair,) = look({"a": b | dict.fromkeys(order[:12], 0.1), "b": b}, order, Looks(20, 1))
    assert pair.word == "better"
    assert 0 < pair.low < pair.difference < pair.high <= 0.1
