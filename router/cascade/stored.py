"""What `stepwell tune` has learnt of a cascade, read from a policy's folder."""

from __future__ import annotations

import os
from pathlib import Path

from stepwell.base.errors import ConfigError
from stepwell.router.cascade.accept import AcceptScore

ACCEPT_FILE = "accept.npz"


def load_accept(folder: str | os.PathLike[str]) -> AcceptScore:
    """The learned accept score, or the rule that needs no labels where none was learnt.

    Raises:
        ConfigError: The file holds something else.
    """
    path = Path(folder) / ACCEPT_FILE
    if not path.is_file():
        return AcceptScore()
    import numpy as np

    from stepwell.router.cascade.learned import LearnedAccept

    try:
        with np.load(path, allow_pickle=False) as arrays:
            return AcceptScore(LearnedAccept.from_arrays(dict(arrays)))
    except (OSError, ValueError, TypeError, KeyError) as e:
        raise ConfigError(f"no accept score in {path}: {type(e).__name__}") from e
