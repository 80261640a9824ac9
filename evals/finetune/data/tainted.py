"""The mark on what was trained on examples that have been erased since; it names nobody."""

from __future__ import annotations

import datetime
from pathlib import Path

import msgspec

from stepwell.evals.finetune.data.whole import write_whole
from stepwell.router.tiers.bundle import TAINTED


class Mark(msgspec.Struct, frozen=True):
    """One erasure.

    Attributes:
        dataset: Content of the dataset as it was before.
        n_erased: Examples of it that went.
        on: Date, ISO 8601.
    """

    dataset: str
    n_erased: int
    on: str


class Tainted(msgspec.Struct, frozen=True):
    """All erasures that touched what was learnt."""

    marks: tuple[Mark, ...] = ()


def is_tainted(folder: Path) -> bool:
    """Whether examples that this training or bundle learnt from have been erased since."""
    return (folder / TAINTED).exists()


def read_marks(folder: Path) -> tuple[Mark, ...]:
    """None where it is not marked, or the mark can't be read."""
    try:
        return msgspec.json.decode((folder / TAINTED).read_bytes(), type=Tainted).marks
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return ()


def mark(folder: Path, dataset: str, n_erased: int) -> bool:
    """Mark a folder; whether it is news. An erasure that broke off and is made again leaves one mark.

    Raises:
        FinetuneError: It can't be written.
    """
    before = read_marks(folder)
    if any(m.dataset == dataset for m in before) and is_tainted(folder):
        return False
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    marks = Tainted((*before, Mark(dataset, n_erased, today)))
    write_whole(folder / TAINTED, msgspec.json.format(msgspec.json.encode(marks), indent=2) + b"\n")
    return True
