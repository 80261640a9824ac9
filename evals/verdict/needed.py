"""How many rows a verdict takes."""

from __future__ import annotations

import math

from stepwell.evals.verdict.roots import root
from stepwell.evals.verdict.student import normal_quantile, normal_tail, z_of

POWER = 0.9
# what "need more" is reckoned for where no margin is given and the arms look alike
SMALLEST_WORTH_SHOWING = 0.02
_NARROWEST = 1e-9  # narrower margins count as none


def rows_to_show(difference: float, square: float, *, level: float = 0.95, power: float = POWER) -> int:
    """Rows that show a difference of that size, two-sided (Connor 1987, Biometrics 43:207).

    Args:
        square: Mean square of the differences by row; the share of discordant rows for rights and wrongs.
    """
    size = abs(difference)
    spread = math.sqrt(max(0.0, square - size * size))
    # no difference under the null, this one under the alternative
    steps = z_of(level) * math.sqrt(max(square, size * size)) + normal_quantile(power) * spread
    return math.ceil((steps / size) ** 2)


def rows_to_tie(
    margin: float, square: float, *, difference: float = 0.0, level: float = 0.95, power: float = POWER
) -> int:
    """Rows that show two arms, so far apart as `difference`, to be within `margin` of one another.

    Both of two one-sided tests must pass (Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657).

    Raises:
        ValueError: The difference is not within the margin: no number of rows shows that it is.
    """
    size = abs(difference)
    if size >= margin:
        raise ValueError("a difference must be within the margin to be shown to be")
    z = z_of(level)

    def passed(steps: float) -> float:
        missed = _above(steps * (margin - size) - z) + _above(steps * (margin + size) - z)
        return 1 - power - missed

    low, high = ((z + q) / (margin - size) for q in (normal_quantile(power), z_of(power)))
    return math.ceil(root(passed, low, high, within=1e-9 * high) ** 2 * max(0.0, square - size * size))


def rows_to_settle(
    difference: float, square: float, n: int, *, margin: float | None, level: float = 0.95
) -> tuple[int, float]:
    """Rows in all that settle a pair of which `n` rows have not, were the arms so far apart as seen.

    The lesser of two: to show that difference, or that it is within the margin. Without a margin one of 0.02
    stands in, halved for as long as the rows that are there have ruled it out.

    Returns:
        The rows, and the size that they show or rule out.
    """
    size = abs(difference)
    has_margin = margin is not None and margin > _NARROWEST
    within = margin if has_margin and margin is not None else SMALLEST_WORTH_SHOWING
    tie = _tie(within, square, size, level)
    while not has_margin and tie <= n and within > _NARROWEST:
        within /= 2
        tie = _tie(within, square, size, level)
    show = rows_to_show(size, square, level=level) if size > within * _NARROWEST else math.inf
    return (int(show), size) if show < tie else (int(tie), within)


def _tie(margin: float, square: float, size: float, level: float) -> float:
    # nearer to the margin than that, it is the difference that would be shown
    return rows_to_tie(margin, square, difference=size, level=level) if size < margin * 0.999 else math.inf


def _above(z: float) -> float:
    return normal_tail(z) / 2 if z >= 0 else 1 - normal_tail(z) / 2


def round_up(n: int) -> int:
    """A count with two figures: what is "about" so many."""
    step: int = 10 ** max(0, len(str(n)) - 2)
    return -(-n // step) * step
