"""What lies under some folders: datasets, trainings, bundles, files of lines, folders of eval runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from stepwell.evals.finetune.data.dataset import CARD, HELD_OUT, TRAIN, DatasetCard
from stepwell.evals.finetune.data.json_files import is_json, is_lines
from stepwell.evals.finetune.train.trained import CARD as TRAINING_CARD
from stepwell.evals.finetune.train.trained import TrainingCard
from stepwell.router.tiers.bundle import BundleCard

T = TypeVar("T")
# while a dataset is written anew; its card can't be believed, then
ERASING = "erasing.json"
# files that are read together: one of them by itself says too little
_OF_DATASET = (CARD, TRAIN, HELD_OUT, ERASING)
_OF_RUN = ("journal.jsonl", "suite.jsonl.gz")


@dataclass(slots=True)
class Found:
    """Folders and files by what they are.

    Attributes:
        learnt: Folders of trainings and bundles, with the content of the dataset that each learnt from.
        lines: Files of JSON lines that belong to no dataset and no run.
        runs: Folders with the journal and the rows of an eval run.
        others: Other files of JSON, which can't be taken apart by lines.
    """

    datasets: list[Path] = field(default_factory=list)
    learnt: list[tuple[Path, str]] = field(default_factory=list)
    lines: list[Path] = field(default_factory=list)
    runs: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)


def found_under(paths: Sequence[Path]) -> Found:
    """Look through folders and files; links are not followed, and each place is looked at once.

    A file of a dataset or of a run stands for all of it.
    """
    found = Found()
    seen: set[Path] = set()
    for path in paths:
        for folder, names in _folders(path):
            real = folder.resolve()
            new = [n for n in names if real / n not in seen]
            seen.update(real / n for n in new)
            _sort(real, frozenset(new), found, is_given=path.is_file())
    return found


def _folders(path: Path) -> Iterator[tuple[Path, list[str]]]:
    if path.is_file():
        # a log's moved files stand beside it
        moved = [p.name for p in path.parent.glob(f"{path.name}.*") if p.suffix[1:].isdigit()]
        yield path.parent, [path.name, *moved, *_beside(path)]
        return
    for folder, _, names in os.walk(path):
        yield Path(folder), sorted(names)


def _beside(path: Path) -> list[str]:
    parts = next((of for of in (_OF_DATASET, _OF_RUN) if path.name in of), ())
    return [n for n in parts if n != path.name and (path.parent / n).exists()]


def _sort(folder: Path, names: frozenset[str], found: Found, *, is_given: bool) -> None:
    own: set[str] = set()
    if ERASING in names or (CARD in names and _read(folder / CARD, DatasetCard) is not None):
        found.datasets.append(folder)
        own |= {TRAIN, HELD_OUT, ERASING}
    if names.issuperset(_OF_RUN):
        found.runs.append(folder)
        own.update(_OF_RUN)
    training = _read(folder / TRAINING_CARD, TrainingCard) if TRAINING_CARD in names else None
    bundle = _read(folder / CARD, BundleCard) if CARD in names else None
    found.learnt += [(folder, of.dataset_sha256) for of in (training, bundle) if of and of.dataset_sha256]
    for path in (folder / n for n in sorted(names - own)):
        if _is_named_lines(path.name) or is_lines(path):
            found.lines.append(path)
        elif is_json(path):
            found.others.append(path)
        elif is_given:
            found.lines.append(path)


def _is_named_lines(name: str) -> bool:
    if name.endswith(".part"):  # what a killed command left
        return ".jsonl" in name
    stem, _, last = name.removesuffix(".gz").rpartition(".")
    return (stem.rpartition(".")[2] if last.isdigit() else last) in ("jsonl", "log")


def _read(path: Path, type_: type[T]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=type_)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
