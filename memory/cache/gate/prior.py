"""What the gate thinks of features before it has seen a verdict: the same for all traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepwell.memory.cache.gate.near import FEATURES

if TYPE_CHECKING:
    from stepwell.memory.cache.gate.belief import Belief

# mean and standard deviation of the log-odds per unit; coarse: what fits on intents and on questions agreed about
_WEIGHTS = {
    "similarity": (0.9, 0.4),
    "similarity_by_vote": (0.2, 0.12),
    "margin": (0.3, 0.25),
    "vote": (0.6, 0.25),
    "share": (0.7, 0.35),
    "mean_similarity": (0.3, 0.4),
    "log_size": (-0.7, 0.35),
    "record": (0.4, 0.12),
    "log_odds": (2.5, 0.6),
    "has_log_odds": (-1.0, 0.6),
    "rival_log_odds": (-0.5, 0.4),
}
_CONSTANT = (0.5, 1.5)


def prior() -> Belief:
    """For the constant and each feature, in the order of FEATURES."""
    import numpy as np

    from stepwell.memory.cache.gate.belief import Belief

    weights = [_CONSTANT, *(_WEIGHTS[name] for name in FEATURES)]
    return Belief(np.array([mean for mean, _ in weights]), np.diag([sd**2 for _, sd in weights]))
