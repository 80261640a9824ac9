"""The frontier as SVG: every curve with its band, the single tiers, and the floor that holds now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from stepwell.evals.page.labels import labels
from stepwell.evals.page.scale import Scale, alike
from stepwell.evals.page.text import esc, exact, num, pct, per_1k, points, shares, short
from stepwell.evals.tune.frontier import Curve, CurveName, Floor, Frontier, Point

NAMES: dict[CurveName, str] = {
    "router": "this router",
    "mix": "random mix of tiers",
    "length": "prompt length alone",
    "oracle": "oracle (knows every score)",
}
_ORDER: tuple[CurveName, ...] = ("oracle", "length", "mix", "router")


@dataclass(frozen=True, slots=True)
class Plot:
    """One drawing of a frontier, in pixels; the page has a wide one and one for phones."""

    frontier: Frontier
    width: int
    height: int
    font_px: int = 13

    @property
    def x(self) -> Scale:
        """Of dollars per 1,000 requests."""
        dear = max(p.cost_usd for p in _all_points(self.frontier))
        return Scale(0.0, 1000 * dear * 1.03, 4.2 * self.font_px, self.width - self.font_px)

    @property
    def y(self) -> Scale:
        """Of the mean score."""
        lows = [p.low for p in _all_points(self.frontier)]
        highs = [p.high for p in _all_points(self.frontier)]
        pad = 0.04 * (max(highs) - min(lows) or 1.0)
        return Scale(min(lows) - pad, max(highs) + pad, self.height - 3.6 * self.font_px, self.font_px)

    def svg(self, floor: Floor | None, css_class: str, *, style: str = "") -> str:
        """The drawing; `floor` is marked. With a `style` it stands alone, names of the curves above it."""
        shown = [c for name in _ORDER if (c := self.frontier.curve(name)) is not None]
        body = [
            self._axes(),
            *(self._band(c) for c in shown),
            *(self._line(c) for c in shown),
            self._singles(),
            self._marker(floor) if floor else "",
        ]
        x, y = self.x, self.y
        above = 2 * self.font_px if style else 0
        key = self._key([c.name for c in reversed(shown)], floor) if style else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="chart {css_class}" role="img" '
            f'viewBox="0 {-above} {self.width} {self.height + above}" font-size="{self.font_px}" '
            f'aria-label="{self._spoken(floor)}" data-x="{x.lo},{x.hi},{x.start_px},{x.end_px}" '
            f'data-y="{y.lo},{y.hi},{y.start_px},{y.end_px}">{style}{key}{"".join(body)}</svg>'
        )

    def _key(self, names: Sequence[CurveName], floor: Floor | None) -> str:
        f, at, drawn = self.font_px, self.x.start_px, []
        entries = [(f"curve {name}", NAMES[name]) for name in names]
        if floor is not None:
            entries.append(("floor", f"floor {exact(floor.q)}"))
        for css_class, name in entries:
            drawn.append(
                f'<line class="{css_class}" x1="{at:.1f}" x2="{at + 26:.1f}" y1="{-0.6 * f:.1f}" y2="{-0.6 * f:.1f}"/>'
                f'<text x="{at + 33:.1f}" y="{-0.25 * f:.1f}">{esc(name)}</text>'
            )
            at += 60 + 0.56 * f * len(name)
        return "".join(drawn)

    def _spoken(self, floor: Floor | None) -> str:
        said = (
            "Mean score against cost, for the router, each tier, a random mix, prompt length and an oracle."
        )
        if floor is not None:
            said += (
                f" At the floor of {exact(floor.q)}: score {num(floor.quality)}, saved {pct(floor.saved)}."
            )
        return said

    def _axes(self) -> str:
        x, y, f = self.x, self.y, self.font_px
        right, left, base, top = x.end_px, x.start_px, y.start_px, y.end_px
        rows, columns = y.ticks(6), x.ticks(max(3, self.width // 90))
        marks = [
            f'<line class="grid" x1="{left}" x2="{right}" y1="{y(v)}" y2="{y(v)}"/>'
            f'<text class="tick" x="{left - 0.5 * f}" y="{y(v) + 0.35 * f:.1f}" text-anchor="end">{said}</text>'
            for v, said in zip(rows, alike(rows), strict=True)
        ]
        marks += [
            f'<line class="tickmark" x1="{x(v)}" x2="{x(v)}" y1="{base}" y2="{base + 5}"/>'
            f'<text class="tick" x="{x(v)}" y="{base + 1.6 * f:.1f}" text-anchor="middle">${said}</text>'
            for v, said in zip(columns, alike(columns), strict=True)
        ]
        return (
            f'{"".join(marks)}<line class="axis" x1="{left}" x2="{right}" y1="{base}" y2="{base}"/>'
            f'<text class="label" x="{(left + right) / 2}" y="{base + 3.1 * f:.1f}" text-anchor="middle">'
            f"cost per 1,000 requests</text>"
            f'<text class="label" transform="translate({f},{(base + top) / 2}) rotate(-90)" text-anchor="middle">'
            f"mean score</text>"
        )

    def _path(self, places: Iterable[Point], height: Callable[[Point], float]) -> list[str]:
        return [f"{self.x(1000 * p.cost_usd)},{self.y(height(p))}" for p in places]

    def _band(self, curve: Curve) -> str:
        edge = self._path(curve.points, _high) + self._path(reversed(curve.points), _low)
        return f'<polygon class="band {curve.name}" points="{" ".join(edge)}"/>'

    def _line(self, curve: Curve) -> str:
        line = self._path(curve.points, _quality)
        dots = ""
        if curve.name == "router":
            dots = "".join(
                f'<circle class="dot" cx="{at.split(",")[0]}" cy="{at.split(",")[1]}" r="2.2">'
                f"<title>{chr(10).join(point_lines(p, self.frontier.tiers))}</title></circle>"
                for at, p in zip(line, curve.points, strict=True)
            )
        return f'<polyline class="curve {curve.name}" points="{" ".join(line)}"/>{dots}'

    def _singles(self) -> str:
        x, y, f = self.x, self.y, self.font_px
        names = [short(tier) for tier in self.frontier.tiers]
        at = [(x(1000 * p.cost_usd), y(p.quality)) for p in self.frontier.singles]
        frame = (x.start_px, y.end_px, x.end_px + f, y.start_px)
        drawn = []
        for tier, name, p, (cx, cy), label in zip(
            self.frontier.tiers,
            names,
            self.frontier.singles,
            at,
            labels(names, at, font_px=f, frame=frame),
            strict=True,
        ):
            drawn.append(
                f'<line class="whisker" x1="{cx}" x2="{cx}" y1="{y(p.low)}" y2="{y(p.high)}"/>'
                f'<rect class="single" x="{cx - 4:.1f}" y="{cy - 4:.1f}" width="8" height="8">'
                f"<title>{esc(tier)}: {num(p.quality)} at {per_1k(p.cost_usd)} per 1,000</title></rect>"
                f'<text class="name" x="{label.x:.1f}" y="{label.y + 0.35 * f:.1f}" '
                f'text-anchor="{label.anchor}">{esc(name)}</text>'
            )
        return "".join(drawn)

    def _marker(self, floor: Floor) -> str:
        x, y = self.x, self.y
        wanted = y(floor.q * self.frontier.singles[-1].quality)
        cx, cy = x(1000 * floor.cost_usd), y(floor.quality)
        return (
            f'<line class="floor" x1="{x.start_px}" x2="{x.end_px}" y1="{wanted}" y2="{wanted}"/>'
            f'<circle class="now" cx="{cx}" cy="{cy}" r="7"/>'
        )


def point_lines(p: Point, tiers: tuple[str, ...]) -> list[str]:
    """One operating point in a few lines of text."""
    said = [
        f"{per_1k(p.cost_usd)} per 1,000 requests",
        f"score {num(p.quality)} [{num(p.low)}, {num(p.high)}]",
    ]
    if p.over_mix is not None:
        mean, low, high = p.over_mix
        said.append(f"{points(mean)} points over mixing [{points(low)}, {points(high)}]")
    said.append(shares(tiers, p.shares))
    return said if p.price is None else [f"price {p.price:.3g}", *said]


def _all_points(frontier: Frontier) -> list[Point]:
    return [*frontier.singles, *(p for c in frontier.curves for p in c.points)]


def _quality(p: Point) -> float:
    return p.quality


def _low(p: Point) -> float:
    return p.low


def _high(p: Point) -> float:
    return p.high
