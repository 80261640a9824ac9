"""Where names of points go in a chart, so that none covers another name or point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

_CHAR = 0.56  # mean width of a character over its height
_AWAY_PX = 8.0


@dataclass(frozen=True, slots=True)
class Label:
    """Where a name starts or ends, in pixels; `y` is its middle."""

    x: float
    y: float
    anchor: Literal["start", "end"]

    def box(self, n_chars: int, font_px: float) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        wide = n_chars * font_px * _CHAR
        left = self.x if self.anchor == "start" else self.x - wide
        return left, self.y - 0.6 * font_px, left + wide, self.y + 0.6 * font_px


def labels(
    names: Sequence[str],
    at: Sequence[tuple[float, float]],
    *,
    font_px: float,
    frame: tuple[float, float, float, float],
) -> list[Label]:
    """A place for each name beside its point: right or left, else further and further below or above.

    Args:
        at: The points.
        frame: Left, top, right, bottom, which names stay within.
    """
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in at]
    placed = []
    for name, (x, y) in zip(names, at, strict=True):
        tried = _places(x, y, font_px, frame)
        free = (p for p in tried if _is_free(p.box(len(name), font_px), taken, frame))
        place = next(free, tried[0])
        taken.append(place.box(len(name), font_px))
        placed.append(place)
    return placed


def _places(x: float, y: float, font_px: float, frame: tuple[float, float, float, float]) -> list[Label]:
    is_left_half = x < (frame[0] + frame[2]) / 2
    right, left = Label(x + _AWAY_PX, y, "start"), Label(x - _AWAY_PX, y, "end")
    sides = [right, left] if is_left_half else [left, right]
    steps = [0.0, *(d * step * font_px for step in (0.7, 1.4, 2.1, 2.8) for d in (1, -1))]
    return [Label(side.x, y + dy, side.anchor) for dy in steps for side in sides]


def _is_free(
    box: tuple[float, float, float, float],
    taken: Sequence[tuple[float, float, float, float]],
    frame: tuple[float, float, float, float],
) -> bool:
    left, top, right, bottom = box
    if left < frame[0] or right > frame[2] or top < frame[1] or bottom > frame[3]:
        return False
    return not any(left < r and right > le and top < b and bottom > t for le, t, r, b in taken)
