"""Refining the verifier on pairs of one's own."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.evals.cache.boost import boosted
from stepwell.evals.cache.fit import fit_calibrated, platt, without_pieces
from stepwell.evals.cache.pairs import replay_pairs
from stepwell.evals.cache.train import TooFewPairs, tune_verifier
from stepwell.memory.cache.verifier import Verifier
from stepwell.memory.cache.verifier.model import FEATURES


class WordBag:
    name = "word-bag"
    dim = 64

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.full((len(texts), self.dim), 0.01, dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[zlib.crc32(word.encode()) % self.dim] += 1
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


def _line(a: str, b: str, same: bool) -> str:
    return json.dumps({"cached_query": a, "query": b, "same": int(same)})


def _own_pairs(n: int, seed: int = 0) -> list[str]:
    """A trade where a number says nothing, and the city everything."""
    rng = random.Random(seed)
    cities = ("lima", "oslo", "kiev", "bonn", "perth", "quito", "turin", "accra")
    lines = []
    for i in range(n):
        a, b = rng.sample(cities, 2)
        x, y = rng.sample(range(100, 999), 2)
        same = i % 2 == 0
        lines.append(_line(f"ticket {x} line {i} to {a}", f"ticket {y} line {i} to {a if same else b}", same))
    return lines


def test_tuning_learns_what_the_shipped_weights_had_wrong(tmp_path: Path) -> None:
    out = tmp_path / "own.npz"
    found = tune_verifier([*_own_pairs(320), "{", "{}"], out, embedder=WordBag())
    assert (found.n_pairs, found.n_same, found.n_bad) == (320, 160, 2)
    assert found.choice.endswith("trees added")
    assert found.log_loss < 0.5 * found.log_loss_before
    assert found.auc > found.auc_before
    own = Verifier.load(str(out))
    new = list(replay_pairs(_own_pairs(60, seed=9), own, WordBag()))
    assert sum((row["score"] > 0.5) == row["same"] for row in new) > 55


def test_labels_that_say_nothing_leave_the_weights_as_good_as_they_were(tmp_path: Path) -> None:
    rng = random.Random(3)
    lines = []
    for i in range(240):  # as confident as it can be, and right: nothing to gain
        a = f"what does item {i} of the list called {rng.randrange(10**6)} cost"
        same = i % 2 == 0
        lines.append(_line(a, a if same else f"who won the race in {1900 + i % 90}", same))
    found = tune_verifier(lines, tmp_path / "own.npz", embedder=WordBag())
    assert found.log_loss <= found.log_loss_before
    assert found.auc == found.auc_before == 1.0


@pytest.mark.parametrize("lines", [[], _own_pairs(150), [_line("a", f"b {i}", False) for i in range(300)]])
def test_too_few_pairs_are_refused(tmp_path: Path, lines: list[str]) -> None:
    with pytest.raises(TooFewPairs, match="tuning needs 200"):
        tune_verifier(lines, tmp_path / "own.npz", embedder=WordBag())
    assert not (tmp_path / "own.npz").exists()


def test_platt_finds_the_line_that_made_the_labels() -> None:
    rng = np.random.default_rng(0)
    score = rng.normal(size=20_000).astype(np.float32)
    same = rng.random(20_000) < 1 / (1 + np.exp(-(2 * score - 1)))
    slope, intercept = platt(score, same, np.ones(20_000, dtype=np.float32))
    assert slope == pytest.approx(2, abs=0.1)
    assert intercept == pytest.approx(-1, abs=0.1)


def _rows(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    rows = rng.random((n, len(FEATURES))).round(2).astype(np.float32)
    return rows, rng.random(n) < 1 / (1 + np.exp(-8 * (rows[:, 3] - 0.5)))


def test_a_score_that_is_upside_down_is_worth_nothing() -> None:
    score = np.linspace(-8, 8, 200, dtype=np.float32)
    slope, intercept = platt(score, score < 4, np.ones(200, dtype=np.float32))
    assert slope == 0.05
    assert np.mean(1 / (1 + np.exp(-(slope * score + intercept)))) == pytest.approx(0.75, abs=0.01)


def test_trees_in_arrays_say_what_the_learner_says() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    from stepwell.evals.cache.fit import trees_of

    rows, same = _rows(600)
    rows[::3, 5] = np.nan
    learner = HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=8, random_state=0).fit(rows, same)
    assert trees_of(learner).sum(rows) == pytest.approx(learner.decision_function(rows), abs=1e-4)


def test_a_calibrated_fit_says_what_is_so_with_and_without_word_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "stepwell.evals.cache.fit.SIMILARITY_ODDS", 0.0
    )  # there is no cosine among these rows
    rows, same = _rows(3000)
    group = np.arange(3000) // 3
    trees, calibration, held_out = fit_calibrated(
        rows, same, np.ones(3000, dtype=np.float32), group, n_trees=25
    )
    p = 1 / (1 + np.exp(-held_out))
    for low, high in ((0, 0.3), (0.3, 0.7), (0.7, 1)):
        here = (p >= low) & (p < high)
        assert p[here].mean() == pytest.approx(same[here].mean(), abs=0.08)
    slope, intercept, _ = calibration[1]
    bare = slope * trees.sum(without_pieces(rows)) + intercept
    assert ((bare > 0) == same).mean() > 0.7


def test_boosting_begins_where_it_is_told_to() -> None:
    rows, same = _rows(800)
    start = np.where(same, 4, -4).astype(np.float32)  # nothing is left to learn
    assert np.abs(boosted(rows, same, start, n=3, seed=0).sum(rows)).max() < 0.5
    zero = np.zeros(800, dtype=np.float32)
    assert ((boosted(rows, same, zero, n=20, seed=0).sum(rows) > 0) == same).mean() > 0.8


def test_boosting_learns_from_a_value_that_is_missing() -> None:
    rows, _ = _rows(800)
    same = np.arange(800) % 3 == 0
    rows[same, 7] = np.nan
    made = boosted(rows, same, np.zeros(800, dtype=np.float32), n=20, seed=0)
    assert ((made.sum(rows) > 0) == same).mean() > 0.9
