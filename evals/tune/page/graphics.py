"""A tier's reliability, drawn."""

from __future__ import annotations

from stepwell.evals.page.text import esc, num
from stepwell.evals.tune.report import Reliability

_SIDE = 190


def reliability_plot(tier: Reliability) -> str:
    """Observed against predicted p(ok), with the diagonal of a tier that can be taken at its word."""
    side, pad = _SIDE, 26
    room = side - pad - 8

    def x(v: float) -> float:
        return round(pad + v * room, 1)

    def y(v: float) -> float:
        return round(side - pad - v * room, 1)

    ticks = "".join(
        f'<text class="tick" x="{x(v)}" y="{side - pad + 15}" text-anchor="middle">{t}</text>'
        f'<text class="tick" x="{pad - 6}" y="{y(v) + 4}" text-anchor="end">{t}</text>'
        for v, t in ((0.0, "0"), (0.5, ".5"), (1.0, "1"))
    )
    bins = "".join(
        f'<line class="whisker" x1="{x(b.predicted)}" x2="{x(b.predicted)}" y1="{y(b.low)}" y2="{y(b.high)}"/>'
        f'<circle class="dot" cx="{x(b.predicted)}" cy="{y(b.observed)}" r="3.2"><title>'
        f"predicted {num(b.predicted)}, observed {num(b.observed)} [{num(b.low)}, {num(b.high)}], "
        f"{b.n:,} rows</title></circle>"
        for b in tier.bins
    )
    return (
        f'<svg class="reliability" viewBox="0 0 {side} {side}" font-size="11" role="img" '
        f'aria-label="Observed against predicted p(ok) of {esc(tier.tier)}: mean error {num(tier.error)}">'
        f'<line class="axis" x1="{x(0)}" x2="{x(1)}" y1="{y(0)}" y2="{y(0)}"/>'
        f'<line class="axis" x1="{x(0)}" x2="{x(0)}" y1="{y(0)}" y2="{y(1)}"/>'
        f'<line class="diagonal" x1="{x(0)}" x2="{x(1)}" y1="{y(0)}" y2="{y(1)}"/>{ticks}{bins}</svg>'
    )
