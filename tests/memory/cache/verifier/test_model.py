"""Weights in files, and trees in arrays."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from stepwell.base.errors import ConfigError
from stepwell.memory.cache.verifier import Verifier
from stepwell.memory.cache.verifier.model import FEATURES, read_model, write_model
from stepwell.memory.cache.verifier.scoring import scores
from stepwell.memory.cache.verifier.trees import Trees
from stepwell.memory.cache.verifier.verifier import verifier_name, weights_file

STUMP = {
    "roots": np.array([0], dtype=np.int32),
    "feature": np.array([0, 0, 0], dtype=np.int32),
    "cut": np.array([0.5, np.nan, np.nan], dtype=np.float32),
    "left": np.array([1, 1, 2], dtype=np.int32),
    "right": np.array([2, 1, 2], dtype=np.int32),
    "nan_left": np.array([True, False, False]),
    "value": np.array([0, -1, 1], dtype=np.float32),
}


def _stump() -> Trees:
    return Trees(**STUMP, depth=1, start=0.25)


def test_a_tree_sends_each_row_to_its_leaf() -> None:
    rows = np.array([[0.2], [0.5], [0.7], [np.nan]], dtype=np.float32)
    assert _stump().sum(rows).tolist() == [-0.75, -0.75, 1.25, -0.75]


def test_forests_add_up() -> None:
    rows = np.array([[0.2], [0.7]], dtype=np.float32)
    both = Trees.joined(_stump(), _stump().times(2))
    assert both.sum(rows) == pytest.approx(3 * _stump().sum(rows))
    assert both.first(1).sum(rows) == pytest.approx(both.start + np.array([-1, 1]))
    assert Trees.none().sum(rows).tolist() == [0, 0]


def test_weights_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "own.npz"
    basis = np.eye(384, 4, dtype=np.float32)
    write_model(path, basis, _stump(), np.array([[2, 0, 0], [1, -1, 0]], dtype=np.float32))
    model = read_model(path)
    rows = np.full((1, len(FEATURES)), 0.7, dtype=np.float32)
    assert model.trees.sum(rows) == _stump().sum(rows)
    assert np.array_equal(model.basis, basis)
    own = Verifier.load(str(path))
    assert own.log_odds(own.sketch("a", None), [own.sketch("a", None)], [0.9]) == [pytest.approx(0.25)]
    assert own.name == verifier_name(str(path)) != verifier_name(None)


def test_what_is_no_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    with pytest.raises(ConfigError, match="can't be read"):
        Verifier.load(str(path))
    with pytest.raises(ConfigError, match="can't be read"):
        verifier_name(str(path))
    for content in (b"", b"PK\x03\x04 torn", b"\x93NUMPY"):
        path.write_bytes(content)
        with pytest.raises(ConfigError):
            Verifier.load(str(path))
    whole = weights_file(None).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError):
        Verifier.load(str(path))


def test_weights_for_other_features_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    np.savez(path, format=1, features=np.array(["cosine"]))
    with pytest.raises(ConfigError, match="another version"):
        Verifier.load(str(path))


def test_the_card_is_of_the_shipped_weights() -> None:
    card = json.loads(resources.files("stepwell.memory.cache.verifier").joinpath("card.json").read_text())
    assert tuple(card["features"]) == FEATURES
    assert "QQP" in card["not_trained_on"]
    assert weights_file(None).stat().st_size < 1_500_000


def test_similarity_leans_the_odds_beside_the_trees() -> None:
    model = read_model(weights_file(None))
    rows = np.zeros((2, len(FEATURES)), dtype=np.float32)
    rows[:, 0] = 0.9
    lifted = rows.copy()
    lifted[:, 0] = 0.901  # too little for a tree to see
    by_trees = model.trees.sum(lifted) - model.trees.sum(rows)
    slope, _, similarity = model.calibration[0]
    assert similarity > 0
    assert scores(model, lifted) - scores(model, rows) == pytest.approx(
        slope * by_trees + similarity * 0.001, abs=1e-4
    )


def test_a_folder_of_tuned_weights_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "weights.npz").write_bytes(weights_file(None).read_bytes())
    assert Verifier.load(str(tmp_path)).name == Verifier.load().name == verifier_name(str(tmp_path))
