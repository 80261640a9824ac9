"""A frontier to look at without the page: a drawing that stands alone, and a table in plain text."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.evals.tune.frontier import Frontier, Point
from stepwell.evals.tune.page.chart import Plot
from stepwell.evals.tune.page.style import STANDALONE

_WIDE = (940, 460, 13)


class View:
    """Shows a frontier with `q` marked: as SVG where a notebook can, else as a table of floors.

    Args:
        q: Share of the premium tier's quality; the lowest floor of at least it is marked.
    """

    def __init__(self, frontier: Frontier, q: float | None = None) -> None:
        self._frontier = frontier
        self._floor = None if q is None else frontier.at(q)

    def svg(self) -> str:
        """The drawing, with its colours in it: light or dark as the reader's screen is."""
        width, height, font_px = _WIDE
        return Plot(self._frontier, width, height, font_px).svg(self._floor, "alone", style=STANDALONE)

    def _repr_svg_(self) -> str:
        return self.svg()

    def __str__(self) -> str:
        """Floors line by line: what keeps each, its cost, and who answers."""
        tiers = self._frontier.tiers
        lines = [f"{'floor':>6} {'kept by':>8} {'score':>6} {'$/1,000':>9} {'saved':>6}  " + "  ".join(tiers)]
        for f in self._frontier.floors:
            shares = "  ".join(f"{s:>{len(t)}.0%}" for t, s in zip(tiers, f.shares, strict=True))
            lines.append(
                f"{f.q:>6.0%} {f.by:>8} {f.quality:>6.3f} {1000 * f.cost_usd:>9.4f} {f.saved:>6.0%}  {shares}"
            )
        return "\n".join(lines)

    def compared(self) -> str:
        """Mean score, with its interval, of each curve at the same costs; a curve that ends earlier keeps its end."""
        curves = self._frontier.curves
        costs = [p.cost_usd for p in curves[0].points]
        lines = [f"{'$/1,000':>9}  " + "  ".join(f"{c.name:>20}" for c in curves)]
        for i in range(0, len(costs), max(len(costs) // 10, 1)):
            cells = "  ".join(f"{_at(c.points, costs[i]):>20}" for c in curves)
            lines.append(f"{1000 * costs[i]:>9.4f}  {cells}")
        return "\n".join(lines)


def _at(points: Sequence[Point], cost_usd: float) -> str:
    """Linear between the points around `cost_usd`."""
    after = next((i for i, p in enumerate(points) if p.cost_usd >= cost_usd), len(points) - 1)
    a, b = points[max(after - 1, 0)], points[after]
    part = (cost_usd - a.cost_usd) / (b.cost_usd - a.cost_usd) if b.cost_usd > a.cost_usd else 1.0
    part = min(max(part, 0.0), 1.0)
    mean, low, high = (
        u + part * (v - u) for u, v in ((a.quality, b.quality), (a.low, b.low), (a.high, b.high))
    )
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]"
