"""The table of routers side by side, and how often a promise breaks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from stepwell.base.errors import BadRequest
from stepwell.evals.tune.bench import BenchOptions, bench, bench_outcomes, bench_rows
from stepwell.evals.tune.folds import even_folds
from stepwell.evals.tune.rankers import quick_ranker
from stepwell.evals.tune.rows import Outcomes, read_outcomes
from stepwell.evals.tune.study import Trial, resample_promise

TOPICS = ("Name the capital of a country", "Prove the theorem about primes and derive its bound for all n")


def lines(n: int, *, seed: int = 0, dataset: str = "exam") -> list[str]:
    """Hard prompts are known by their words; the weak tier fails on most of them."""
    random = np.random.default_rng(seed)
    made = []
    for i in range(n):
        hard = int(random.random() < 0.5)
        weak = float(random.random() < (0.95, 0.45)[hard])
        strong = float(random.random() < (0.96, 0.9)[hard])
        prompt = f"{TOPICS[hard]} {random.integers(9999)} " + "x" * int(random.integers(40))
        scores = {"small": weak, "large": strong}
        made.append(json.dumps({"id": f"q{i}", "prompt": prompt, "dataset": dataset, "scores": scores}))
    return made


def outcomes(n: int, seed: int = 0) -> Outcomes:
    return read_outcomes(lines(n, seed=seed))


def test_one_table_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(lines(240)))
    options = BenchOptions(n_labels=120, n_splits=2, n_resamples=60, has_litellm=False)
    (table,) = bench([path], options=options)
    assert (table.name, table.n_labels, table.n_rows) == ("rows.jsonl", 120, 120)
    by = {row.router: row for row in table.rows}
    assert {"learned", "cold start", "prompt length", "random", "zero router"} == set(by)
    assert by["learned"].apgr > by["random"].apgr
    assert by["zero router"].apgr == 0.5
    measured = by["learned"].measured
    assert measured is not None
    assert measured.apgr.low < measured.apgr.value < measured.apgr.high
    texts = bench_rows(table)
    assert texts[0][0] == "router"
    assert len({len(row) for row in texts}) == 1


def test_published_figures_stand_beside_their_data_set() -> None:
    options = BenchOptions(n_labels=0, n_resamples=50, has_litellm=False)
    table = bench_outcomes(read_outcomes(lines(100, dataset="mmlu")), None, options=options)
    routers = [row.router for row in table.rows]
    assert "RouteLLM SW ranking (published)" in routers
    # the shipped weights have seen it: its figure is no test of them
    assert "cold start (learned from these)" in routers
    assert "learned" not in routers


def test_one_tier_is_no_choice() -> None:
    with pytest.raises(BadRequest, match="two tiers"):
        bench_outcomes(read_outcomes(['{"prompt": "x", "scores": {"a": 1}}']), None)


def test_even_folds_hold_the_same_scores() -> None:
    scores = (np.random.default_rng(0).random((500, 2)) < 0.7).astype(float)
    folds = even_folds(scores, 5)
    assert sorted(np.bincount(folds)) == [100] * 5
    means = np.array([scores[folds == f].mean(axis=0) for f in range(5)])
    assert np.ptp(means, axis=0).max() <= 0.011
    np.testing.assert_array_equal(folds, even_folds(scores, 5))


def test_a_promise_is_kept_on_rows_that_tuning_has_not_seen() -> None:
    rows = outcomes(900)
    cost = np.tile([0.1, 1.0], (len(rows), 1))
    ranker = quick_ranker(rows, None)
    study = resample_promise(rows, ranker, cost, n_labels=300, n_samples=15, min_quality=0.95)
    assert study.by["router"] > 7
    assert study.broken <= 0.2  # 15 draws at .05: sd .056
    assert study.broken_low < 0.05 < study.broken_high + 0.05
    assert study.premium_share < study.mix_share < 1
    shuffled = resample_promise(
        rows, ranker, cost, n_labels=300, n_samples=6, min_quality=0.95, is_shuffled=True
    )
    assert shuffled.by["router"] <= 1
    few = resample_promise(rows, ranker, cost, n_labels=50, n_samples=5)
    assert few.by["router"] == 0


def test_too_few_rows_to_look_at() -> None:
    rows = outcomes(300)
    with pytest.raises(BadRequest, match="300 rows"):
        resample_promise(rows, quick_ranker(rows, None), np.ones((300, 2)), n_labels=200)


def test_every_trial_is_told() -> None:
    rows = outcomes(600)
    seen: list[Trial] = []
    study = resample_promise(
        rows,
        quick_ranker(rows, None),
        np.tile([0.1, 1.0], (600, 1)),
        n_labels=200,
        n_samples=3,
        each=seen.append,
    )
    assert len(seen) == study.n_samples == 3
    assert all(sum(t.shares) == pytest.approx(1) for t in seen)
    assert study.broken == sum(t.is_broken for t in seen) / 3
