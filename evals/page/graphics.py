"""Small drawings beside the numbers: shares by tier, an interval."""

from __future__ import annotations

from stepwell.evals.page.text import esc, pct

_BAR = (120, 10)
_WHISKER = (140, 16)


def tint(rank: int, n_tiers: int) -> float:
    """Opacity of a tier's colour: faint for the cheapest, full for the dearest."""
    return 1.0 if n_tiers < 2 else round(0.22 + 0.78 * rank / (n_tiers - 1), 3)


def share_bar(tiers: tuple[str, ...], shares: tuple[float, ...]) -> str:
    """Shares by tier as one bar, cheapest first."""
    width, height = _BAR
    parts, start = [], 0.0
    for rank, share in enumerate(shares):
        parts.append(
            f'<rect class="share" x="{start * width:.1f}" width="{share * width:.1f}" height="{height}" '
            f'fill-opacity="{tint(rank, len(tiers))}"/>'
        )
        start += share
    said = ", ".join(f"{esc(t)} {pct(s)}" for t, s in zip(tiers, shares, strict=True))
    return (
        f'<svg class="bar" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img" '
        f'aria-label="{said}">{"".join(parts)}</svg>'
    )


def whisker(value: float, low: float, high: float, *, lo: float, hi: float, mark: float | None) -> str:
    """An interval on a common axis from `lo` to `hi`; `mark` is where chance lies."""
    width, height = _WHISKER
    span = (hi - lo) or 1.0
    x = [round((v - lo) / span * (width - 8) + 4, 1) for v in (value, low, high)]
    middle = height / 2
    at = "" if mark is None else round((mark - lo) / span * (width - 8) + 4, 1)
    chance = "" if mark is None else f'<line class="chance" x1="{at}" x2="{at}" y1="0" y2="{height}"/>'
    return (
        f'<svg class="interval" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'aria-hidden="true">{chance}<line class="whisker" x1="{x[1]}" x2="{x[2]}" y1="{middle}" y2="{middle}"/>'
        f'<circle class="dot" cx="{x[0]}" cy="{middle}" r="3.5"/></svg>'
    )
