"""The weights of a verifier, as they lie in a file."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from stepwell.base.errors import ConfigError
from stepwell.memory.cache.verifier import late, lexical
from stepwell.memory.cache.verifier.trees import Trees

if TYPE_CHECKING:
    from stepwell.memory.cache.verifier.sketch import Floats

FORMAT = 2
FEATURES = ("cosine", *lexical.NAMES, *late.NAMES)
_TREES = ("roots", "feature", "cut", "left", "right", "nan_left", "value")


@dataclass(frozen=True, slots=True)
class Model:
    """What a verifier learned.

    Attributes:
        basis: Of the small vectors, shape (384, dim).
        calibration: Log-odds are slope x the trees' sum + intercept + similarity x cosine: one row of these three with
            word pieces, and one without.
    """

    basis: Floats
    trees: Trees
    calibration: Floats


def read_model(path: Path) -> Model:
    """Read weights.

    Raises:
        ConfigError: They can't be read, or were made for other features.
    """
    try:
        raw = path.read_bytes()
        with np.load(BytesIO(raw), allow_pickle=False) as arrays:
            held = {name: arrays[name] for name in arrays.files}
        if int(held["format"]) != FORMAT or tuple(held["features"].tolist()) != FEATURES:
            raise ConfigError("The weights of the cache's verifier are of another version: tune them again")
        parts: dict[str, Any] = {name: held[name] for name in _TREES}
        trees = Trees(**parts, depth=int(held["depth"]), start=float(held["start"]))
        return Model(held["basis"].astype(np.float32), trees, held["calibration"].astype(np.float32))
    except OSError as e:
        raise ConfigError(f"The weights of the cache's verifier can't be read: {e.strerror}") from e
    except (ValueError, KeyError, BadZipFile, TypeError, EOFError) as e:
        raise ConfigError("The file is no weights of the cache's verifier") from e


def write_model(path: Path, basis: Floats, trees: Trees, calibration: Floats) -> None:
    """Write weights in the form that `read_model` reads."""
    held = {name: getattr(trees, name) for name in _TREES}
    np.savez_compressed(
        path, format=FORMAT, features=np.array(FEATURES), basis=basis.astype(np.float16), depth=trees.depth,
        start=trees.start, calibration=calibration, **held,
    )  # fmt: skip
