"""Pairs at a fixed number of rows."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.verdict.evidence import weigh
from stepwell.evals.verdict.fixed import compare
from stepwell.evals.verdict.needed import rows_to_show, rows_to_tie
from stepwell.evals.verdict.pair import Pair
from stepwell.evals.verdict.several import holm, holm_levels

levels = st.sampled_from([0.0, 0.25, 0.5, 1.0])
rights = st.sampled_from([0.0, 1.0])


def scores(values: list[float]) -> dict[str, float]:
    return {str(i): v for i, v in enumerate(values)}


def one(a: list[float], b: list[float], **how: object) -> Pair:
    (pair,) = compare({"a": scores(a), "b": scores(b)}, **how)  # type: ignore[arg-type]
    return pair


@given(st.lists(st.tuples(levels, levels), max_size=40) | st.lists(st.tuples(rights, rights), max_size=40))
def test_either_side_sees_the_same(rows: list[tuple[float, float]]) -> None:
    a, b = [x for x, _ in rows], [y for _, y in rows]
    pair, back = one(a, b, margin=0.1), one(b, a, margin=0.1).seen_from("b")
    assert (pair.word, pair.n_only_a, pair.n_more) == (back.word, back.n_only_a, back.n_more)
    assert pair.p == pytest.approx(back.p)
    assert (pair.low, pair.high) == pytest.approx((back.low, back.high))
    assert 0 <= pair.p <= 1
    assert pair.low - 1e-9 <= pair.difference <= pair.high + 1e-9


@given(st.lists(st.tuples(levels, levels), min_size=2, max_size=30), st.randoms())
def test_the_order_of_rows_says_nothing(rows: list[tuple[float, float]], rng: random.Random) -> None:
    by_arm = {arm: {str(i): row[k] for i, row in enumerate(rows)} for k, arm in enumerate("ab")}
    ids = list(by_arm["a"])
    rng.shuffle(ids)
    assert compare({arm: {i: of[i] for i in ids} for arm, of in by_arm.items()}) == compare(by_arm)


def test_a_pair_turned_round() -> None:
    pair = one([1.0] * 12 + [0.0] * 8, [0.0] * 10 + [1.0] * 2 + [0.0] * 8)
    back = pair.seen_from("b")
    assert (back.a, back.b, back.word, pair.word) == ("b", "a", "worse", "better")
    assert (back.low, back.high, back.difference) == (-pair.high, -pair.low, -pair.difference)
    assert pair.odds is not None
    assert (pair.odds.value, pair.odds.high) == (None, None)
    assert back.odds is not None
    assert back.odds.value == 0
    assert back.seen_from("a") == pair
    with pytest.raises(ValueError, match="not 'c'"):
        pair.seen_from("c")


def test_better_takes_test_and_interval() -> None:
    # 5 against 0: the interval clears 0, the exact test (p = 1/16) does not
    close = one([1.0] * 5 + [0.0] * 95, [0.0] * 100)
    assert close.low > 0
    assert close.p == pytest.approx(2 / 32)
    assert close.word == "need more"
    assert close.is_close
    assert one([1.0] * 6 + [0.0] * 94, [0.0] * 100).word == "better"


def test_tied_only_within_a_margin() -> None:
    a, b = [1.0, 0.0] * 500, [1.0, 0.0] * 499 + [0.0, 1.0]
    assert one(a, b).word == "need more"
    tied = one(a, b, margin=0.02)
    assert tied.word == "tied"
    assert tied.n_more is None
    assert tied.is_not_worse
    assert one(a[:50], b[:50], margin=0.02).word == "need more"


def test_a_sure_difference_within_the_margin_is_a_tie() -> None:
    a, b = [1.0] * 40 + [0.0] * 9960, [0.0] * 10_000
    assert one(a, b).word == "better"
    assert one(a, b, margin=0.01).word == "tied"


def test_not_worse_is_less_than_tied() -> None:
    pair = one([1.0] * 30 + [0.0] * 270, [1.0] * 18 + [0.0] * 282, margin=0.02)
    assert pair.is_not_worse
    noisy = one([1.0, 0.0] * 20, [0.0, 1.0] * 20, margin=0.02)
    assert noisy.word == "need more"
    assert not noisy.is_not_worse


def test_how_many_more_is_finite_where_nothing_differs() -> None:
    same = one([1.0, 0.0] * 30, [1.0, 0.0] * 30)
    assert same.word == "need more"
    assert same.n_more is not None
    assert 1 <= same.n_more < 20_000
    assert same.shows == 0.02
    assert one([], []).n_more is None


def test_a_larger_difference_or_margin_takes_fewer_rows() -> None:
    shown = [rows_to_show(d, 0.25) for d in (0.02, 0.05, 0.1, 0.2)]
    tied = [rows_to_tie(m, 0.25) for m in (0.01, 0.02, 0.05)]
    assert shown == sorted(shown, reverse=True)
    assert tied == sorted(tied, reverse=True)


def test_so_many_rows_do_show_it() -> None:
    """As many as are said to be needed find the difference nine times in ten."""
    rng = random.Random(5)
    n = rows_to_show(0.15, 0.25)
    found = sum(weigh(rng.choices((1.0, -1.0, 0.0), (0.2, 0.05, 0.75), k=n)).p <= 0.05 for _ in range(1000))
    assert 0.86 <= found / 1000 <= 0.94


def test_against_a_baseline_fewer_pairs_are_asked_about() -> None:
    rng = random.Random(1)
    by_arm = {arm: scores([float(rng.random() < 0.5) for _ in range(60)]) for arm in "wxyz"}
    assert len(compare(by_arm)) == 6
    pairs = compare(by_arm, baseline="x")
    assert [(p.a, p.b) for p in pairs] == [("w", "x"), ("y", "x"), ("z", "x")]
    assert compare(by_arm, baseline="nobody") == ()


def test_intervals_of_a_family_agree_with_its_words() -> None:
    rng = random.Random(2)
    for _ in range(40):
        by_arm = {
            arm: scores([float(rng.random() < q) for _ in range(300)])
            for arm, q in (("a", 0.5), ("b", 0.55), ("c", 0.65))
        }
        for pair in compare(by_arm, simultaneous=True):
            if pair.word in ("better", "worse"):
                assert pair.low > 0 or pair.high < 0
            else:
                assert pair.low <= 0 <= pair.high or pair.is_close


def test_levels_of_a_family() -> None:
    assert holm_levels([0.001, 0.02, 0.5]) == pytest.approx([1 - 0.05 / 3, 0.975, 0.95])
    assert holm_levels([0.3, 0.02, 0.5]) == pytest.approx([1 - 0.05 / 3] * 3)
    assert holm([0.001, 0.02, 0.5]) == pytest.approx([0.003, 0.04, 0.5])
    assert holm_levels([]) == []


def test_scores_that_differ_by_one_size_only() -> None:
    # .3 - .1 and .4 - .2 are one size, but not in binary
    pair = one([0.3, 0.4, 0.5, 0.6, 0.7, 0.8], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert pair.method == "exact McNemar"
    assert pair.p == pytest.approx(2 / 64)
    assert pair.difference == pytest.approx(0.2)


def test_effect_and_saving_of_scores() -> None:
    rng = random.Random(4)
    base = [rng.random() for _ in range(80)]
    pair = one([min(1.0, v + 0.1 * rng.random()) for v in base], base)
    assert pair.method == "paired t"
    assert pair.word == "better"
    assert pair.d_z is not None
    assert pair.d_z.value is not None
    assert pair.d_z.high is not None
    assert 0 < pair.d_z.low < pair.d_z.value < pair.d_z.high
    assert pair.odds is None
    assert pair.saved is not None
    assert pair.saved > 0.9


def test_clusters_are_heeded() -> None:
    a = scores([1.0] * 30 + [0.0] * 30)
    b = scores([0.0] * 60)
    (alone,) = compare({"a": a, "b": b})
    (together,) = compare({"a": a, "b": b}, clusters={str(i): str(i // 10) for i in range(60)})
    assert alone.word == "better"
    assert together.word == "need more"
    assert "6 clusters" in together.method
    assert together.high - together.low > alone.high - alone.low
    (some,) = compare({"a": a, "b": b}, clusters={"0": "x", "1": "x"})
    assert "59 clusters" in some.method


def test_paired_t_by_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = random.Random(9)
    a = [round(rng.random(), 2) for _ in range(25)]
    b = [round(rng.random(), 2) for _ in range(25)]
    told = stats.ttest_rel(a, b)
    interval = told.confidence_interval(0.95)
    pair = one(a, b)
    assert pair.p == pytest.approx(told.pvalue)
    assert (pair.low, pair.high) == pytest.approx((interval.low, interval.high))
