"""The page's parts above and around the samples, as HTML; without scripts all of this is there."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.evals.page.chart import Mark, marks_of, plots
from stepwell.evals.page.frontier import mixed
from stepwell.evals.page.model import ArmFigures, Figures, Frontier, Routed, Step
from stepwell.evals.page.tables import (
    arms_table,
    judges_table,
    pairs_table,
    preferences_table,
    served_table,
    tags_table,
)
from stepwell.evals.page.text import esc, exact, num, pct, per_1k, points, usd
from stepwell.evals.page.words import GATES, asked_about, details, headline, looked

_LONG = 60  # characters of a headline that is set smaller
_WORTH_SAYING = 0.01
_KEPT = 0.95  # share of the best arm's quality, for an example of a mix
_BORDERS = {"pass": "pass", "regression": "fallen", "infrastructure": "fallen", "inconclusive": "open"}


def verdict(figures: Figures) -> str:
    """The verdict first, then what it rests on."""
    said = headline(figures)
    lines = "".join(f"<p>{esc(line)}</p>" for line in details(figures))
    why = (
        f'<p class="soft">The gate: {"; ".join(esc(r) for r in figures.reasons)}.</p>'
        if figures.reasons
        else ""
    )
    n_rows = max((a.n_rows for a in figures.arms), default=0)
    facts = [
        ("gate", esc(GATES[figures.gate])),
        ("rows", f"{n_rows:,}"),
        ("samples", f"{figures.n_ended:,}" + _of(figures.n_planned, figures.n_ended)),
        ("errors, no part of a score", f"{figures.n_errors:,}"),
        ("cost in all", usd(figures.cost_usd)),
    ]
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    return (
        f'<header class="verdict {_BORDERS[figures.gate]}"><p class="eyebrow">{esc(figures.suite)}</p>'
        f"<h1{' class=long' if len(said) > _LONG else ''}>{esc(said)}</h1>"
        f'<div class="lede">{lines}{why}</div></header>'
        f'<dl class="facts">{cells}</dl>'
    )


def arms(figures: Figures) -> str:
    drawn = f'<div class="broad">{arms_table(figures)}</div>{served_table(figures.arms)}'
    return f"<section><h2>Quality, cost, speed</h2>{drawn}</section>"


def frontier(figures: Figures, found: Frontier | None) -> str:
    """The chart, and the router's decision in words."""
    marks = () if found is None else marks_of(figures.arms, found)
    if found is None or len(marks) < 2:
        return ""
    said = "".join(f"<p>{line}</p>" for line in _said(figures.arms, found))
    return (
        f"<section><h2>Quality against cost</h2>{said}<figure>{plots(marks, found)}"
        f'<ul class="legend">{_legend(marks, found)}</ul></figure></section>'
    )


def pairs(figures: Figures) -> str:
    if not figures.pairs:
        return ""
    methods = ", ".join(dict.fromkeys(esc(p.method) for p in figures.pairs))
    saved = [p.saved for p in asked_about(figures) if p.saved is not None]
    on_the_way = looked(figures)
    said = f"Test at each look: {methods}. {on_the_way}" if on_the_way else f"Test and interval: {methods}."
    if len(figures.pairs) > 1:
        said += " p and interval count that several pairs were asked about (Holm)."
    if saved and min(saved) >= _WORTH_SAYING:
        said += f" Asking both arms the same rows saved {pct(min(saved))} of them or more."
    drawn = f'<div class="broad">{pairs_table(figures.pairs)}</div>'
    return f"<section><h2>Pair by pair</h2><p>{said}</p>{drawn}</section>"


def judges(figures: Figures) -> str:
    if not figures.judges and not figures.preferences:
        return ""
    planted = judges_table(figures.judges) if figures.judges else ""
    side = preferences_table(figures.preferences) if figures.preferences else ""
    return f"<section><h2>What the judge is worth</h2>{planted}{side}</section>"


def tags(figures: Figures) -> str:
    if not figures.tags:
        return ""
    note = "<p>Each interval is for its own cell; of many, some stand out by chance.</p>"
    return f"<section><h2>By tag</h2>{note}{tags_table(figures.arms, figures.tags)}</section>"


def origin(figures: Figures, version: str) -> str:
    lines = [
        ("Suite", f"{esc(figures.suite)}, sha256 <code>{esc(figures.suite_sha256)}</code>"),
        ("Made by", f"Stepwell {esc(version)}, from the run's journal alone"),
    ]
    said = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in lines)
    return f'<section><h2>Where this comes from</h2><dl class="origin">{said}</dl></section>'


def _of(n_planned: int, n_ended: int) -> str:
    return "" if n_ended >= n_planned else f" <small>of {n_planned:,}</small>"


def _said(arms: Sequence[ArmFigures], found: Frontier) -> list[str]:
    lines = [_routed(arms, found, r) for r in found.routed]
    mix = _kept(found)
    if mix:
        lines.append(mix)
    if found.oracle is not None:
        cost_usd, of = found.oracle
        lines.append(
            f"Whoever knew every score and took the cheapest right arm of each row would score {num(of.value)} "
            f"at {per_1k(cost_usd)} per 1,000: no router can score higher on "
            f"{'this row' if found.n_oracle_rows == 1 else f'these {found.n_oracle_rows:,} rows'}."
        )
    if len(arms) > 1 and not found.routed:
        lines.append(
            "No router was asked: run <code>auto</code> or a policy as an arm to see its decision here."
        )
    return lines


def _routed(arms: Sequence[ArmFigures], found: Frontier, routed: Routed) -> str:
    arm = next(a for a in arms if a.name == routed.arm)
    value = "–" if arm.quality is None else num(arm.quality.value)
    shares = ", ".join(f"{pct(s)} to {esc(tier)}" for tier, s in routed.shares.items())
    said = f"The router <b>{esc(arm.name)}</b> scores {value} at {per_1k(arm.cost_usd)} per 1,000"
    said += f", sending {shares}." if shares else "."
    over = routed.over_mix
    if over is None:
        return said
    mix = " and ".join(
        f"{pct(s)} {esc(name)}" for name, s in mixed(found.hull, arm.cost_usd).items() if s > 0.005
    )
    place = "above" if over.low > 0 else "below" if over.high < 0 else "not to be told from"
    size = f"{points(over.value)} points ({points(over.low)} to {points(over.high)})"
    return f"{said} That is {place} the best blind mix at its cost ({mix}): {size}."


def _kept(found: Frontier) -> str:
    """What a blind mix would cost that keeps most of the best arm's quality."""
    if len(found.hull) < 2:
        return ""
    best, top = found.hull[-1]
    cost_usd = _cost_of([p for _, p in found.hull], _KEPT * top.quality)
    if top.cost_usd <= 0 or cost_usd >= top.cost_usd:
        return ""
    who = " and ".join(f"{pct(s)} to {esc(name)}" for name, s in mixed(found.hull, cost_usd).items())
    return (
        f"A blind mix that keeps {exact(_KEPT)} of {esc(best)}'s score sends {who} and saves "
        f"{pct(1 - cost_usd / top.cost_usd)} of its cost."
    )


def _cost_of(hull: Sequence[Step], quality: float) -> float:
    """Cost of the cheapest mix on the hull that scores so much."""
    if quality <= hull[0].quality:
        return hull[0].cost_usd
    above = next(n for n, p in enumerate(hull) if p.quality >= quality)
    low, high = hull[above - 1], hull[above]
    share = (quality - low.quality) / (high.quality - low.quality)
    return low.cost_usd + share * (high.cost_usd - low.cost_usd)


_LEGEND = {
    "fixed": ('<rect class="single" x="11" y="2" width="8" height="8"/>', "an arm, with its 95% interval"),
    "routed": ('<circle class="now" cx="15" cy="6" r="5"/>', "a router"),
    "oracle": (
        '<path class="bound" d="M15 1l5 5l-5 5l-5 -5z"/>',
        "cheapest right arm of each row: the bound",
    ),
}


def _legend(marks: Sequence[Mark], found: Frontier) -> str:
    entries = [
        (f'<g class="mark {s}">{_LEGEND[s][0]}</g>', _LEGEND[s][1])
        for s in dict.fromkeys(m.shape for m in marks)
    ]
    if found.hull:
        entries.append(('<line class="curve mix" x1="0" x2="30" y1="6" y2="6"/>', "best blind mix of arms"))
    return "".join(
        f'<li><svg viewBox="0 0 30 12" aria-hidden="true">{drawn}</svg>{name}</li>' for drawn, name in entries
    )
