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
from stepwell.evals.finetune.train.trained import CARD, PEFT_WEIGHTS, TrainingCard
from stepwell.router.tiers.bundle import TAINTED, BundleCard, file_sha256
from tests.support.lora import write_lora, write_tiny_base, write_training


def bundle(folder: Path, dataset_sha256: str = "d" * 64, weights: str = "w", command: str = "") -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter.gguf").write_bytes(b"GGUF")
    sha256 = file_sha256(folder / "adapter.gguf")
    card = BundleCard("m", "adapter", sha256, "b", dataset_sha256=dataset_sha256, command=command)
    write_card(folder, msgspec.structs.replace(card, weights_sha256=weights * 64))
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
    bundle(folder / "bundle", weights="v")
    with pytest.raises(FinetuneError, match="no-such-base"):
        find_model(folder)
    other = training(tmp_path / "other")
    bundle(other / "bundle", "e" * 64)
    with pytest.raises(FinetuneError, match="no-such-base"):
        find_model(other)


def test_a_copy_of_a_training_is_not_exported_anew(tmp_path: Path) -> None:
    folder = training(tmp_path / "t")
    made = bundle(folder / "bundle")
    os.utime(made / "card.json", (1, 1))
    for may_export in (True, False):
        assert find_model(folder, may_export=may_export).bundle.folder == made
    (folder / PEFT_WEIGHTS).write_bytes(b"other weights than the bundle's")
    with pytest.raises(FinetuneError, match=r"not exported of the weights that .* run stepwell local eval"):
        find_model(folder, may_export=False)
    assert (made / "adapter.gguf").read_bytes() == b"GGUF"
    with pytest.raises(FinetuneError, match="not exported and not measured yet"):
        find_model(training(tmp_path / "fresh"), may_export=False)


def test_a_training_that_was_run_again_keeps_its_bundles_name(tmp_path: Path) -> None:
    base = write_tiny_base(tmp_path / "base.gguf")
    folder = write_training(write_lora(tmp_path / "first"), base)
    first = find_model(folder, base=base).bundle
    folder = folder.rename(tmp_path / "moved")
    assert find_model(folder, base=base).bundle.card == first.card
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (write_lora(tmp_path / "again", seed=9) / name).replace(folder / name)
    write_training(folder, base)
    made = find_model(folder, base=base).bundle.card
    assert (made.name, made.sha256 == first.card.sha256) == ("first", False)


def test_what_was_exported_by_hand_is_not_replaced(tmp_path: Path) -> None:
    folder = training(tmp_path / "t")
    made = bundle(folder / "bundle", weights="v", command="stepwell local export t --merged q8_0")
    with pytest.raises(FinetuneError, match="run stepwell local export, then eval"):
        find_model(folder)
    assert (made / "adapter.gguf").read_bytes() == b"GGUF"


def test_what_is_neither_is_told(tmp_path: Path) -> None:
    with pytest.raises(FinetuneError, match="no trained adapter there"):
        find_model(tmp_path)
    damaged = bundle(tmp_path / "b")
    (damaged / "adapter.gguf").write_bytes(b"torn")
    with pytest.raises(ConfigError, match="sha256"):
        find_model(damaged)
