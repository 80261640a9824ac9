"""The model that a command names: a training's folder, or a bundle's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stepwell.base.errors import ConfigError
from stepwell.evals.finetune.data.dataset import Dataset
from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.train import trained
from stepwell.router.tiers.adapters import is_name
from stepwell.router.tiers.bundle import CARD, TAINTED, Bundle, file_sha256, read_bundle

BUNDLE = "bundle"


@dataclass(frozen=True, slots=True)
class Found:
    """A model on the disk.

    Attributes:
        out: Where its report and its answers are kept.
        is_tainted: Examples that it was trained on have been erased since.
    """

    bundle: Bundle
    out: Path
    is_tainted: bool


def find_model(
    folder: Path, *, dataset: Dataset | None = None, base: Path | None = None, may_export: bool = True
) -> Found:
    """The bundle of a training, exported where that is not done yet or was done of other weights; or the bundle itself.

    Args:
        dataset: What it was trained on, for the card of a fresh export.
        base: GGUF that it was trained on; None: the one that the recipe names.
        may_export: Otherwise nothing is written, and a bundle that is not of the training's weights is an error.

    Raises:
        FinetuneError: There is neither, or it can't be exported.
        ConfigError: The bundle is damaged.
    """
    if not (folder / CARD).is_file() or (folder / trained.CARD).is_file():
        bundle = _of_training(folder, dataset, base, may_export=may_export)
    else:
        bundle = read_bundle(folder)
    return Found(bundle, folder, bundle.is_tainted or (folder / TAINTED).exists())


def _of_training(folder: Path, dataset: Dataset | None, base: Path | None, *, may_export: bool) -> Bundle:
    done = trained.Trained.load(folder)
    before = read_bundle(folder / BUNDLE) if (folder / BUNDLE / CARD).is_file() else None
    if before is not None and _is_of(before, done):
        return before
    _check_lost(folder, before, may_export=may_export)
    from stepwell.evals.finetune.export import export_bundle

    try:
        return export_bundle(
            done,
            folder / BUNDLE,
            name=_named(folder) if before is None else before.card.name,
            base=base,
            n_held_out=0 if dataset is None else len(dataset.held_out),
            licences=() if dataset is None else dataset.card.licences,
        )
    except ConfigError as e:
        raise FinetuneError(str(e)) from e


def _is_of(bundle: Bundle, done: trained.Trained) -> bool:
    """Whether it was made of the weights that lie in the training's folder."""
    peft = done.folder / trained.PEFT_WEIGHTS
    weights_sha256 = file_sha256(peft) if peft.is_file() else done.card.weights_sha256
    return (bundle.card.weights_sha256, bundle.card.dataset_sha256) == (
        weights_sha256,
        done.card.dataset_sha256,
    )


def _check_lost(folder: Path, before: Bundle | None, *, may_export: bool) -> None:
    """Nothing that somebody exported as they wanted it is replaced by an export of our own."""
    if before is None and not may_export:
        raise FinetuneError(f"{folder}: not exported and not measured yet; run stepwell local eval first")
    if before is not None and (before.card.command or not may_export):
        how = "stepwell local export, then eval" if before.card.command else "stepwell local eval"
        raise FinetuneError(
            f"{before.folder} was not exported of the weights that {folder} has now (the training was run again, or an "
            f"older version exported it); run {how}"
        )


def _named(folder: Path) -> str:
    name = folder.resolve().name.lower()
    return name if is_name(name) else "adapter"
