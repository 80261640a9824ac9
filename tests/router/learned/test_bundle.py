"""A learned policy's folder: whole files, and calibrations that belong to its tiers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from stepwell.base.errors import ConfigError
from stepwell.evals.tune.examples import LearnOptions
from stepwell.evals.tune.learn import learn
from stepwell.evals.tune.rows import read_outcomes
from stepwell.router.learned.bundle import Bundle, add_confidence, load_bundle

QUICK = LearnOptions(n_trees=5, n_folds=2, alphas=(1.0, 10.0))


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    rows = [
        json.dumps({"id": f"r{n}", "prompt": f"{'Prove' if n % 2 else 'Name'} {n}", "scores": scores})
        for n in range(120)
        for scores in [{"cheap": 1.0 - n % 2, "dear": 1.0}]
    ]
    return learn(read_outcomes(rows, ["cheap", "dear"]), options=QUICK).bundle


def test_a_save_that_fails_leaves_the_policy_before_it(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle.save(tmp_path)
    before = {f.name: f.read_bytes() for f in tmp_path.iterdir()}
    assert set(before) == {"policy.npz", "card.json"}

    def full(file: BinaryIO, **_: object) -> None:
        file.write(b"half")
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez_compressed", full)
        with pytest.raises(OSError, match="no space"):
            bundle.with_promise(price=0.5).save(tmp_path)
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == before
    assert (tmp_path / "policy.npz").stat().st_mode & 0o077 == 0


def test_a_calibration_is_for_a_tier_of_the_policy(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No learned policy"):
        add_confidence(tmp_path, "cheap", 2.0, 1.0)
    bundle.save(tmp_path)
    with pytest.raises(ConfigError, match="not for third"):
        add_confidence(tmp_path, "third", 2.0, 1.0)
    add_confidence(tmp_path, "cheap", 2.0, 1.0)
    bundle.save(tmp_path)
    assert load_bundle(tmp_path).card.confidence == {"cheap": (2.0, 1.0)}
