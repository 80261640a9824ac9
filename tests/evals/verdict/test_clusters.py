"""Rows from one source."""

from __future__ import annotations

import random
from statistics import stdev

import pytest

from stepwell.evals.verdict.clusters import cluster_error
from stepwell.evals.verdict.evidence import Flips, Gaps, weigh


def test_clusters_of_one_size_are_rows_of_their_means() -> None:
    rng = random.Random(3)
    means = [rng.random() for _ in range(12)]
    values = [m + e for m in means for e in (-0.1, 0.0, 0.1)]
    error = cluster_error(values, [i // 3 for i in range(36)])
    assert error.n_clusters == 12
    assert error.df == pytest.approx(11)
    assert error.standard_error == pytest.approx(stdev(means) / 12**0.5)


def test_df_by_the_matrices_of_the_paper() -> None:
    np = pytest.importorskip("numpy")
    sizes = [1, 2, 5, 9, 30]
    n = sum(sizes)
    clusters = [g for g, size in enumerate(sizes) for _ in range(size)]
    spread = np.eye(n) - np.full((n, n), 1 / n)  # of residuals, rows alike
    columns = []
    for g in range(len(sizes)):
        of = np.array([c == g for c in clusters], float)
        block = np.eye(n)[:, of > 0]
        inside = block.T @ spread @ block
        values, vectors = np.linalg.eigh(inside)
        half = vectors @ np.diag(values**-0.5) @ vectors.T
        columns.append(spread @ block @ half @ np.ones(sizes[g]) / n)
    gram = np.array(columns) @ np.array(columns).T
    found = cluster_error([float(i % 7) for i in range(n)], clusters)
    assert found.df == pytest.approx(np.trace(gram) ** 2 / np.trace(gram @ gram))


def test_one_source_says_nothing() -> None:
    evidence = weigh([1.0, 1.0, 0.0, 1.0], ["s"] * 4)
    assert evidence.p == 1.0
    low, high = evidence.interval(0.95)
    assert low < 0 < high


def test_rows_of_their_own_are_no_clusters() -> None:
    assert isinstance(weigh([1.0, 0.0, -1.0], ["a", "b", "c"]), Flips)


def test_equal_sources_count_once_each() -> None:
    evidence = weigh([1.0] * 30, [i // 10 for i in range(30)])
    assert isinstance(evidence, Flips)
    assert evidence.n == 3
    assert evidence.p == pytest.approx(0.25)


def test_the_interval_covers_where_rows_of_a_source_go_together() -> None:
    rng = random.Random(11)
    n_alone = n_together = 0
    for _ in range(400):
        values, clusters = [], []
        for g in range(12):
            lean = rng.gauss(0, 0.3)
            size = rng.choice((3, 6, 12))
            values += [lean + rng.gauss(0, 0.3) for _ in range(size)]
            clusters += [g] * size
        together, alone = weigh(values, clusters), weigh(values)
        assert isinstance(together, Gaps)
        n_together += together.interval(0.95)[0] <= 0 <= together.interval(0.95)[1]
        n_alone += alone.interval(0.95)[0] <= 0 <= alone.interval(0.95)[1]
    assert n_together / 400 >= 0.92
    assert n_alone / 400 <= 0.8
