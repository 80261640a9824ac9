"""What the gate thinks of features before it has seen any verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepwell.memory.cache.gate.near import FEATURES

if TYPE_CHECKING:
    from stepwell.memory.cache.gate.logistic import Prior

# log-odds per unit of each feature; the first is the constant
_MEAN = {
    "constant": 0.5,
    "similarity": 1.0,
    "margin": 0.6,
    "vote": 0.5,
    "share": 0.5,
    "record": 0.3,
    "log_odds": 2.0,
    "rival_log_odds": -1.0,
}
_PRECISION = {"constant": 0.05}


def starting_weights() -> tuple[float, ...]:
    """One for the constant and one for each feature."""
    return tuple(_MEAN.get(name, 0.0) for name in ("constant", *FEATURES))


def prior() -> Prior:
    import numpy as np

    from stepwell.memory.cache.gate.logistic import Prior

    names = ("constant", *FEATURES)
    return Prior(np.array(starting_weights()), np.array([_PRECISION.get(name, 1.0) for name in names]))
