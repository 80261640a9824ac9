"""How many rows a verdict takes."""

from __future__ import annotations

import math

from stepwell.evals.verdict.student import normal_quantile, z_of

POWER = 0.9


def rows_to_show(difference: float, square: float, *, level: float = 0.95, power: float = POWER) -> int:
    """Rows that show a difference of that size, two-sided (Connor 1987, Biometrics 43:207).

    Args:
        square: Mean square of the differences by row; the share of discordant rows for rights and wrongs.
    """
    size = abs(difference)
    spread = math.sqrt(max(0.0, square - size * size))
    # no difference under the null, this one under the alternative
    root = z_of(level) * math.sqrt(max(square, size * size)) + normal_quantile(power) * spread
    return math.ceil((root / size) ** 2)


def rows_to_tie(margin: float, square: float, *, level: float = 0.95, power: float = POWER) -> int:
    """Rows that show two equal arms to be within `margin` of one another."""
    return math.ceil(((z_of(level) + z_of(power)) / margin) ** 2 * square)
