"""How the chance of a false verdict is spent over the looks (Lan & DeMets 1983, Biometrika 70:659)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from stepwell.evals.verdict.student import normal_tail, z_of

SpendingName = Literal["even", "early", "late"]


def spending(name: SpendingName, alpha: float) -> Callable[[float], float]:
    """Two-sided chance spent once a share 0..1 of the rows is there.

    Args:
        name: "late" is O'Brien and Fleming's: hardly any at first, so that the whole run loses no power;
            "even" spends it as rows come; "early" is its root, for runs that plan many more rows than the
            difference is likely to take.
    """
    return {
        "even": lambda share: alpha * share,
        "early": lambda share: alpha * math.sqrt(share),
        "late": lambda share: 2 * normal_tail(z_of(1 - alpha / 2) / math.sqrt(share)) if share > 0 else 0.0,
    }[name]
