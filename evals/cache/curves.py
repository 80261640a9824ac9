"""Curves to look at in a notebook: a drawing that stands alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stepwell.evals.page.scale import Scale
from stepwell.evals.page.text import esc

Place = tuple[float, float]
_DASHES = ("", "6 4", "2 3", "8 3 2 3")
_STYLE = """
.curves{color-scheme:light dark;--card:#fff;--soft:#59616b;--line:#e2dfd8;
--a:#1b5fc1;--b:#b45f12;--c:#23805c;--d:#7a3fb0}
@media (prefers-color-scheme:dark){.curves{--card:#1a1d22;--soft:#a2a9b3;--line:#2c3037;--a:#82b1ff;--b:#f0a662;
--c:#6fd0a8;--d:#c9a0f0}}
.curves{background:var(--card)}
.curves text{font:13px ui-sans-serif,system-ui,sans-serif;fill:var(--soft)}
.curves .grid{stroke:var(--line)} .curves .mark{stroke:var(--soft);stroke-dasharray:3 3}
.curves polyline{fill:none;stroke-width:2.2;stroke-linejoin:round}
"""


@dataclass(frozen=True, slots=True)
class Curves:
    """Lines by name over one x axis; both axes begin at 0 and say shares as percentages where they end at 1 or below.

    Attributes:
        lines: Name -> (x, y), x rising; up to four.
        mark_y: Height of a dashed line, such as a budget.
    """

    x_label: str
    y_label: str
    lines: Mapping[str, Sequence[Place]]
    mark_y: float | None = None
    width_px: int = 760
    height_px: int = 340

    def svg(self) -> str:
        """The drawing, light or dark as the reader's screen is."""
        drawn = "".join(
            self._line(i, name, places) for i, (name, places) in enumerate(self.lines.items()) if places
        )
        spoken = esc(f"{self.y_label} over {self.x_label}: {', '.join(self.lines)}")
        return (
            f'<svg class="curves" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{spoken}" '
            f'viewBox="0 0 {self.width_px} {self.height_px}" width="{self.width_px}"><style>{_STYLE}</style>'
            f"{self._axes()}{drawn}</svg>"
        )

    def _repr_svg_(self) -> str:
        return self.svg()

    def _most(self, axis: int) -> float:
        marked = [self.mark_y] if axis == 1 and self.mark_y is not None else []
        return max([1e-9, *marked, *(p[axis] for places in self.lines.values() for p in places)])

    @property
    def _x(self) -> Scale:
        return Scale(0.0, self._most(0), 62.0, self.width_px - 20.0)

    @property
    def _y(self) -> Scale:
        top = 30.0 + 18.0 * ((len(self.lines) + 1) // 2)
        return Scale(0.0, 1.05 * self._most(1), self.height_px - 48.0, top)

    def _line(self, i: int, name: str, places: Sequence[Place]) -> str:
        x, y, colour, dash = self._x, self._y, f"var(--{'abcd'[i % 4]})", _DASHES[i % 4]
        path = " ".join(f"{x(a)},{y(b)}" for a, b in places)
        at_x, at_y = 70 + (i % 2) * 330, 20 + 18 * (i // 2)
        look = f'stroke="{colour}" stroke-dasharray="{dash}"'
        return (
            f'<polyline points="{path}" {look}/>'
            f'<line x1="{at_x}" x2="{at_x + 26}" y1="{at_y - 4}" y2="{at_y - 4}" stroke-width="2.2" {look}/>'
            f'<text x="{at_x + 34}" y="{at_y}">{esc(name)}</text>'
        )

    def _axes(self) -> str:
        x, y = self._x, self._y
        rows = "".join(
            f'<line class="grid" x1="{x.start_px}" x2="{x.end_px}" y1="{y(v)}" y2="{y(v)}"/>'
            f'<text x="{x.start_px - 8}" y="{y(v) + 4}" text-anchor="end">{_said(v, y.hi)}</text>'
            for v in y.ticks(5)
        )
        columns = "".join(
            f'<text x="{x(v)}" y="{y.start_px + 20}" text-anchor="middle">{_said(v, x.hi)}</text>'
            for v in x.ticks(8)
        )
        mark = self.mark_y
        budget = (
            ""
            if mark is None
            else f'<line class="mark" x1="{x.start_px}" x2="{x.end_px}" y1="{y(mark)}" y2="{y(mark)}"/>'
        )
        middle_x, middle_y = (x.start_px + x.end_px) / 2, (y.start_px + y.end_px) / 2
        return (
            f"{rows}{columns}{budget}"
            f'<text x="{middle_x}" y="{self.height_px - 8}" text-anchor="middle">{esc(self.x_label)}</text>'
            f'<text transform="translate(14,{middle_y}) rotate(-90)" text-anchor="middle">{esc(self.y_label)}</text>'
        )


def _said(value: float, most: float) -> str:
    return f"{value:,.0f}" if most > 1.2 else f"{100 * value:.3g} %"
