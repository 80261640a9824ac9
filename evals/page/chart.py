"""Quality against cost as SVG: every arm with its interval, the best blind mixes, and the bound of any router."""

from __future__ import annotations

from dataclasses import dataclass

from stepwell.evals.page.labels import labels
from stepwell.evals.page.model import ArmFigures, Frontier, Span, Step
from stepwell.evals.page.scale import Scale, alike
from stepwell.evals.page.text import esc, num, per_1k, short

ORACLE = "cheapest right arm"
WIDE, NARROW = (880, 400, 13), (400, 360, 13)


@dataclass(frozen=True, slots=True)
class Mark:
    """One point of the chart."""

    name: str
    at: Step
    of: Span
    shape: str  # "fixed", "routed" or "oracle"

    @property
    def said(self) -> str:
        return f"{esc(self.name)}: {num(self.of.value)} ({num(self.of.low)} to {num(self.of.high)}) at " + (
            f"{per_1k(self.at.cost_usd)} per 1,000"
        )


@dataclass(frozen=True, slots=True)
class Plot:
    """One drawing, in pixels; the page has a wide one and one for phones."""

    marks: tuple[Mark, ...]
    frontier: Frontier
    width: int
    height: int
    font_px: int

    @property
    def x(self) -> Scale:
        """Of dollars per 1,000 requests."""
        dear = max(m.at.cost_usd for m in self.marks)
        return Scale(0.0, 1000 * dear * 1.06, 4.2 * self.font_px, self.width - self.font_px)

    @property
    def y(self) -> Scale:
        """Of the mean score."""
        low, high = min(m.of.low for m in self.marks), max(m.of.high for m in self.marks)
        pad = 0.06 * (high - low or 1.0)
        return Scale(low - pad, high + pad, self.height - 3.6 * self.font_px, self.font_px)

    def svg(self, css_class: str) -> str:
        said = ". ".join(m.said for m in self.marks)
        return (
            f'<svg class="chart {css_class}" role="img" viewBox="0 0 {self.width} {self.height}" '
            f'font-size="{self.font_px}" aria-label="Quality against cost. {said}.">'
            f"{self._axes()}{self._hull()}{self._marks()}</svg>"
        )

    def _axes(self) -> str:
        x, y, f = self.x, self.y, self.font_px
        rows, columns = y.ticks(6), x.ticks(max(3, self.width // 110))
        grid = "".join(
            f'<line class="grid" x1="{x.start_px}" x2="{x.end_px}" y1="{y(v)}" y2="{y(v)}"/>'
            f'<text class="tick" x="{x.start_px - 0.5 * f}" y="{y(v) + 0.35 * f:.1f}" text-anchor="end">{said}</text>'
            for v, said in zip(rows, alike(rows), strict=True)
        )
        feet = "".join(
            f'<line class="tickmark" x1="{x(v)}" x2="{x(v)}" y1="{y.start_px}" y2="{y.start_px + 5}"/>'
            f'<text class="tick" x="{x(v)}" y="{y.start_px + 1.6 * f:.1f}" text-anchor="middle">${said}</text>'
            for v, said in zip(columns, alike(columns), strict=True)
        )
        middle = (x.start_px + x.end_px) / 2, (y.start_px + y.end_px) / 2
        return (
            f'{grid}{feet}<line class="axis" x1="{x.start_px}" x2="{x.end_px}" y1="{y.start_px}" y2="{y.start_px}"/>'
            f'<text class="label" x="{middle[0]}" y="{y.start_px + 3.1 * f:.1f}" text-anchor="middle">'
            f"cost of answers per 1,000 requests</text>"
            f'<text class="label" transform="translate({f},{middle[1]}) rotate(-90)" text-anchor="middle">'
            f"mean score</text>"
        )

    def _hull(self) -> str:
        corners = [(self.x(1000 * p.cost_usd), self.y(p.quality)) for _, p in self.frontier.hull]
        line = " ".join(f"{cx},{cy}" for cx, cy in corners)
        return f'<polyline class="curve mix" points="{line}"/>' if corners else ""

    def _marks(self) -> str:
        x, y, f = self.x, self.y, self.font_px
        names = [short(m.name) for m in self.marks]
        at = [(x(1000 * m.at.cost_usd), y(m.of.value)) for m in self.marks]
        frame = (x.start_px, y.end_px, x.end_px + f, y.start_px)
        placed = labels(names, at, font_px=f, frame=frame)
        return "".join(
            f'<g class="mark {m.shape}"><title>{m.said}</title>'
            f'<line class="whisker" x1="{cx}" x2="{cx}" y1="{y(m.of.low)}" y2="{y(m.of.high)}"/>{_shape(m, cx, cy)}</g>'
            f'<text class="name" x="{label.x:.1f}" y="{label.y + 0.35 * f:.1f}" text-anchor="{label.anchor}">'
            f"{esc(name)}</text>"
            for m, name, (cx, cy), label in zip(self.marks, names, at, placed, strict=True)
        )


def marks_of(arms: tuple[ArmFigures, ...], frontier: Frontier) -> tuple[Mark, ...]:
    """The points to draw: arms that were scored, and the oracle where there is more than one fixed arm."""
    found = [
        Mark(a.name, Step(a.cost_usd, a.quality.value), a.quality, "routed" if a.is_routed else "fixed")
        for a in arms
        if a.quality is not None
    ]
    if frontier.oracle is not None:
        cost_usd, of = frontier.oracle
        found.append(Mark(ORACLE, Step(cost_usd, of.value), of, "oracle"))
    return tuple(found)


def plots(marks: tuple[Mark, ...], frontier: Frontier) -> str:
    """Wide and narrow; the style shows one of them."""
    return "".join(
        f'<div class="plot">{Plot(marks, frontier, *size).svg(name)}</div>'
        for size, name in ((WIDE, "wide-only"), (NARROW, "narrow"))
    )


def _shape(mark: Mark, cx: float, cy: float) -> str:
    if mark.shape == "routed":
        return f'<circle class="now" cx="{cx}" cy="{cy}" r="6"/>'
    if mark.shape == "oracle":
        return f'<path class="bound" d="M{cx} {cy - 6:.1f}l6 6l-6 6l-6 -6z"/>'
    return f'<rect class="single" x="{cx - 4:.1f}" y="{cy - 4:.1f}" width="8" height="8"/>'
