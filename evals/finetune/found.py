"""The model that a command names: a training's folder, or a bundle's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stepwell.base.errors import ConfigError
from stepwell.evals.finetune.data.dataset import Dataset
from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.train import trained
from stepwell.router.tiers.adapters import is_name
from stepwell.router.tiers.bundle import CARD, TAINTED, Bundle, read_bundle

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


def find_model(folder: Path, *, dataset: Dataset | None = None, base: Path | None = None) -> Found:
    """The bundle of a training, exported where that is not done yet or older than the training; or the bundle itself.

    Args:
        dataset: What it was trained on, for the card of a fresh export.
        base: GGUF that it was trained on; None: the one that the recipe names.

    Raises:
        FinetuneError: There is neither, or it can't be exported.
        ConfigError: The bundle is damaged.
    """
    if not (folder / CARD).is_file() or (folder / trained.CARD).is_file():
        bundle = _of_training(folder, dataset, base)
    else:
        bundle = read_bundle(folder)
    return Found(bundle, folder, bundle.is_tainted or (folder / TAINTED).exists())


def _of_training(folder: Path, dataset: Dataset | None, base: Path | None) -> Bundle:
    done = trained.Trained.load(folder)
    if _is_exported(folder):
        bundle = read_bundle(folder / BUNDLE)
        if bundle.card.dataset_sha256 == done.card.dataset_sha256:
            return bundle
    from stepwell.evals.finetune.export import export_bundle

    name = folder.resolve().name.lower()
    try:
        return export_bundle(
            done,
            folder / BUNDLE,
            name=name if is_name(name) else "adapter",
            base=base,
            n_held_out=0 if dataset is None else len(dataset.held_out),
            licences=() if dataset is None else dataset.card.licences,
        )
    except ConfigError as e:
        raise FinetuneError(str(e)) from e


def _is_exported(folder: Path) -> bool:
    made = folder / BUNDLE / CARD
    # trained again in the same folder: the bundle is of the training before
    return made.is_file() and made.stat().st_mtime >= (folder / trained.CARD).stat().st_mtime
