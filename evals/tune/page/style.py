"""The looks of a chart that stands alone."""

from __future__ import annotations

from stepwell.evals.page.style import CHART, COLOURS

# names nothing but itself, so that it may stand inside another page
STANDALONE = (
    f"<style>{COLOURS.replace(':root', 'svg.alone')}{CHART.replace('svg ', 'svg.alone ')}"
    "svg.alone{background:var(--card)}</style>"
)
