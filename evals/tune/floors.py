"""The promise for every floor of the report's slider."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from stepwell.evals.tune.frontier import Floor
from stepwell.evals.tune.promise import keep_promise
from stepwell.evals.tune.wording import floor_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FLOORS = tuple(i / 100 for i in range(80, 101))


def floors(
    p_ok: Floats, cost: Floats, scores: Floats, *, qs: Iterable[float] = FLOORS, confidence: float = 0.95
) -> list[Floor]:
    """What keeping each share `qs` of the premium tier's quality takes, by rising q.

    Each floor is a promise by itself: looking at all of them and picking one afterwards is not covered by it.

    Args:
        p_ok, cost, scores: As for `keep_promise`, shape (n, k).
    """
    wanted = sorted(set(qs))
    return [floor_of(keep_promise(p_ok, cost, scores, min_quality=q, confidence=confidence)) for q in wanted]
