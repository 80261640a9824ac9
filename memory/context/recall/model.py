"""The weights of recall: how much each feature says, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stepwell.memory.context.recall.features import FIRST, SECOND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

MODEL_FILE = Path(__file__).with_name("weights.npz")


@dataclass(frozen=True, slots=True)
class Model:
    """One row of weights for each state of knowledge.

    Attributes:
        words: Of FIRST, where a turn or the question has no vector.
        vectors: Of FIRST, where both have one.
        pieces: Of FIRST and SECOND.
        calibration: Log-odds are slope x log-share + intercept; a row for each of the three, shape (3, 2).
    """

    words: Floats
    vectors: Floats
    pieces: Floats
    calibration: Floats


@cache
def shipped() -> Model:
    """The shipped one."""
    return read_model(MODEL_FILE)


def read_model(path: Path) -> Model:
    """Read weights.

    Raises:
        ValueError: They are of other features.
    """
    with np.load(path, allow_pickle=False) as held:
        if tuple(held["features"].tolist()) != FIRST + SECOND:
            raise ValueError("The weights of recall are of other features: fit them again")
        return Model(
            *(held[name].astype(np.float32) for name in ("words", "vectors", "pieces", "calibration"))
        )


def write_model(path: Path, model: Model) -> None:
    """Write weights in the form that `read_model` reads."""
    np.savez_compressed(
        path, features=np.array(FIRST + SECOND), words=model.words, vectors=model.vectors, pieces=model.pieces,
        calibration=model.calibration,
    )  # fmt: skip


def log_shares(scores: Floats, log_mass: float = 0.0) -> Floats:
    """How a mass is shared out among turns by their scores (softmax), as logarithms."""
    if not len(scores):
        return scores
    top = scores.max()
    made: Floats = scores - (top + np.log(np.exp(scores - top).sum())) + np.float32(log_mass)
    return made


def log_mass(shares: Floats) -> float:
    """The logarithm of what shares add up to."""
    top = shares.max()
    return float(top + np.log(np.exp(shares - top).sum()))


def odds_of(model: Model, row: int, shares: Floats) -> Floats:
    """Calibrated log-odds from log-shares, by one row of the calibration."""
    slope, intercept = model.calibration[row]
    made: Floats = slope * shares + intercept
    return made


def first_shares(model: Model, first: Floats, has_vector: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Log-shares and log-odds of all turns by FIRST, shape (len(FIRST), n).

    Those that have a vector share out among themselves what words alone gave them together.
    """
    shares = log_shares(model.words @ first)
    odds = odds_of(model, 0, shares)
    if has_vector.any():
        shares[has_vector] = log_shares(model.vectors @ first[:, has_vector], log_mass(shares[has_vector]))
        odds[has_vector] = odds_of(model, 1, shares[has_vector])
    return shares, odds
