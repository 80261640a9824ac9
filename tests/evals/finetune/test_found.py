"""The model that a command names."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from stepwell.base.errors import ConfigError
from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.found import find_model
from stepwell.evals.finetune.heads import write_card
from stepwell.evals.finetune.train.recipe import Recipe
from stepwell.evals.finetune.train.trained import CARD, TrainingCard
from stepwell.router.tiers.bundle import TAINTED, BundleCard, file_sha256


def bundle(folder: Path, dataset_sha256: str = "d" * 64) -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter.gguf").write_bytes(b"GGUF")
    sha256 = file_sha256(folder / "adapter.gguf")
    write_card(folder, BundleCard("m", "adapter", sha256, "b", dataset_sha256=dataset_sha256))
    return folder


def training(folder: Path) -> Path:
    folder.mkdir()
    card = TrainingCard(Recipe(base="no-such-base"), "b" * 64, "d" * 64, "w" * 64, 10, 5, 0.1, 1.0)
    (folder / CARD).write_bytes(msgspec.json.encode(card))
    return folder


def test_a_bundle_is_itself(tmp_path: Path) -> None:
    found = find_model(bundle(tmp_path / "b"))
    assert (found.bundle.folder, found.out, found.is_tainted) == (tmp_path / "b", tmp_path / "b", False)


def test_a_training_has_its_bundle_within(tmp_path: Path) -> None:
    folder = training(tmp_path / "t")
    bundle(folder / "bundle")
    found = find_model(folder)
    assert (found.bundle.folder, found.out) == (folder / "bundle", folder)


@pytest.mark.parametrize("where", ["t", "t/bundle"])
def test_what_was_erased_from_shows(tmp_path: Path, where: str) -> None:
    folder = training(tmp_path / "t")
    bundle(folder / "bundle")
    (tmp_path / where / TAINTED).write_text("{}")
    assert find_model(folder).is_tainted


def test_a_bundle_of_the_training_before_is_made_anew(tmp_path: Path) -> None:
    folder = training(tmp_path / "t")
    made = bundle(folder / "bundle")
    os.utime(made / "card.json", (1, 1))
    with pytest.raises(FinetuneError, match="no-such-base"):
        find_model(folder)
    other = training(tmp_path / "other")
    bundle(other / "bundle", "e" * 64)
    with pytest.raises(FinetuneError, match="no-such-base"):
        find_model(other)


def test_what_is_neither_is_told(tmp_path: Path) -> None:
    with pytest.raises(FinetuneError, match="no trained adapter there"):
        find_model(tmp_path)
    damaged = bundle(tmp_path / "b")
    (damaged / "adapter.gguf").write_bytes(b"torn")
    with pytest.raises(ConfigError, match="sha256"):
        find_model(damaged)
