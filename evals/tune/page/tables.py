"""The page's tables: floors, measures, domains, operating points."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.evals.page.graphics import share_bar, whisker
from stepwell.evals.page.table import table
from stepwell.evals.page.text import esc, exact, num, pct, per_1k, points, shares
from stepwell.evals.tune.frontier import Floor, Frontier, Point
from stepwell.evals.tune.report import ORACLE, Domain, Figure

KEPT_BY = {"router": "learned router", "mix": "fixed mix", "premium": "premium tier alone"}
# what a router that ignores the question gets, where that is known beforehand
CHANCE = {"APGR": 0.5, "CPT50": 0.5, "CPT80": 0.8}
_MANY_DOMAINS = 14


def floors_table(frontier: Frontier, policy: Floor) -> str:
    """One row a floor; the one in force is marked."""
    rows = []
    for i, f in enumerate(frontier.floors):
        now = ' class="now"' if abs(f.q - policy.q) < 1e-9 else ""
        price = "–" if f.price is None else f"{f.price:.3f}"
        rows.append(
            f'<tr data-floor="{i}"{now}><th scope="row">{exact(f.q)}</th><td>{pct(f.saved)}</td>'
            f"<td>{per_1k(f.cost_usd)}</td>"
            f'<td class="text">{share_bar(frontier.tiers, f.shares)} '
            f"<small>{shares(frontier.tiers, f.shares)}</small></td>"
            f'<td class="text">{KEPT_BY[f.by]}</td><td>{pct(f.kept_low, 1)}</td><td>{num(f.quality)}</td>'
            f"<td>{price}</td></tr>"
        )
    head = ("Floor", "saved", "per 1,000", "Who answers", "Kept by", "lower bound", "mean score", "price")
    return table("Floors, and what keeping them takes", head, rows)


def figures_table(figures: Sequence[Figure]) -> str:
    """Routers down, measures across, each value over its interval; the first measure drawn too."""
    measures = list(dict.fromkeys(f.measure for f in figures))
    routers = list(dict.fromkeys(f.router for f in figures))
    found = {(f.router, f.measure): f for f in figures}
    first = [f for f in figures if f.measure == measures[0]] if measures else []
    # an oracle is so far off that it would flatten the rest
    ends = [e for f in first if f.router != ORACLE for e in (f.low, f.high, f.value) if e is not None]
    rows = []
    for i, router in enumerate(routers):
        of = found.get((router, measures[0]))
        drawn = "" if of is None or router == ORACLE else _drawn(of, min(ends), max(ends))
        cells = "".join(f"<td>{_cell(found.get((router, m)))}</td>" for m in measures)
        ours = ' class="ours"' if i == 0 else ""
        rows.append(
            f'<tr{ours}><th scope="row">{esc(router)}</th><td class="text wide-only">{drawn}</td>{cells}</tr>'
        )
    head = ("Router", None, *(f"<span>{esc(m)}</span>" for m in measures))
    return table(f"Measures, each with its {pct(0.95)} bootstrap interval", head, rows)


def domains_table(tiers: tuple[str, ...], domains: Sequence[Domain]) -> str:
    """Kinds of request by falling share of the premium tier."""
    rows = [
        f'<tr><th scope="row">{esc(d.name) or "(none)"}</th><td>{d.n:,}</td><td>{pct(d.shares[-1])}</td>'
        f'<td class="text">{share_bar(tiers, d.shares)}</td><td>{num(d.quality)}</td>'
        f"<td>{num(d.premium_quality)}</td></tr>"
        for d in sorted(domains, key=lambda d: (-d.shares[-1], d.name))
    ]
    head = (
        "Domain",
        "rows",
        "to premium",
        "Who answers",
        "score as routed",
        "score of premium",
    )
    drawn = table("Who answers, by domain", head, rows)
    if len(rows) <= _MANY_DOMAINS:
        return drawn
    return f"{_ends(domains, tiers[-1])}<details><summary>All {len(rows)} domains</summary>{drawn}</details>"


def points_table(tiers: tuple[str, ...], router: Sequence[Point]) -> str:
    """Every operating point of the router."""
    rows = [
        f"<tr><td>{'–' if p.price is None else f'{p.price:.3g}'}</td><td>{per_1k(p.cost_usd)}</td>"
        f"<td>{num(p.quality)} <small>[{num(p.low)}, {num(p.high)}]</small></td><td>{_over(p)}</td>"
        f'<td class="text"><small>{shares(tiers, p.shares)}</small></td></tr>'
        for p in router
    ]
    head = ("price", "per 1,000", "mean score", "over mixing, points", "Who answers")
    return table("Operating points of the router", head, rows)


def _over(p: Point) -> str:
    if p.over_mix is None:
        return "–"
    mean, low, high = p.over_mix
    return f"{points(mean)} <small>[{points(low)}, {points(high)}]</small>"


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    if figure.low is None or figure.high is None:
        return num(figure.value)
    return f"{num(figure.value)}<br><small>[{num(figure.low)}, {num(figure.high)}]</small>"


def _drawn(figure: Figure, lo: float, hi: float) -> str:
    low = figure.value if figure.low is None else figure.low
    high = figure.value if figure.high is None else figure.high
    chance = CHANCE.get(figure.measure)
    inside = chance is not None and lo <= chance <= hi
    return whisker(figure.value, low, high, lo=lo, hi=hi, mark=chance if inside else None)


def _ends(domains: Sequence[Domain], premium: str) -> str:
    order = sorted(domains, key=lambda d: (-d.shares[-1], d.name))
    most = ", ".join(f"{esc(d.name)} {pct(d.shares[-1])}" for d in order[:4])
    least = ", ".join(f"{esc(d.name)} {pct(d.shares[-1])}" for d in order[-4:])
    return f"<p>Most to {esc(premium)}: {most}.<br>Least: {least}.</p>"
