"""The report of a tuning as one HTML page: opens offline, asks nothing of the network, works without scripts."""

from __future__ import annotations

import base64
import hashlib
from html import unescape

import msgspec

from stepwell.evals.page.graphics import share_bar, tint
from stepwell.evals.page.style import PAGE
from stepwell.evals.page.text import esc, exact, num, pct, per_1k, shares
from stepwell.evals.tune.frontier import Floor
from stepwell.evals.tune.page.chart import NAMES, Plot, point_lines
from stepwell.evals.tune.page.graphics import reliability_plot
from stepwell.evals.tune.page.script import SCRIPT
from stepwell.evals.tune.page.tables import (
    KEPT_BY,
    domains_table,
    figures_table,
    floors_table,
    points_table,
)
from stepwell.evals.tune.report import TuneReport

_WIDE = (940, 460, 13)
_NARROW = (400, 400, 12)
_LONG = 90  # characters of a headline that is set smaller


def page(report: TuneReport) -> str:
    """The whole page. Ids, domains and numbers only: no text of any row."""
    title = esc(report.title)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">\n'
        f"<title>{title}</title>\n<style>{PAGE}</style>\n</head>\n<body>\n<main>\n"
        f"{_verdict(report)}\n{_chart(report)}\n{_figures(report)}\n{_reliability(report)}\n{_domains(report)}\n"
        f"{_terms()}\n{_origin(report)}\n</main>\n"
        f'<script type="application/json" id="data">{_data(report)}</script>\n<script>{SCRIPT}</script>\n'
        f"</body>\n</html>\n"
    )


def _policy() -> str:
    """Nothing may be fetched, and no script but ours may run, whatever a name in the data says."""
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"


def _verdict(report: TuneReport) -> str:
    v, f = report.verdict, report.policy
    fallen = "" if v.is_learned else " fallen"
    said = "".join(f"<p>{esc(s)}</p>" for s in v.said)
    needed = "" if v.n_labels_needed is None else f" of {v.n_labels_needed:,}"
    facts = [
        ("floor, of premium", exact(v.q)),
        ("cost saved", pct(f.saved)),
        ("per 1,000 requests", per_1k(f.cost_usd)),
        ("mean score", num(f.quality)),
        ("labels, of those needed" if needed else "labels", f"{v.n_labels:,}{needed}"),
    ]
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    return (
        f'<header class="verdict{fallen}"><p class="eyebrow">{esc(report.title)} · {esc(report.origin.made_on)}</p>'
        f"<h1{' class=long' if len(v.headline) > _LONG else ''}>{esc(v.headline)}</h1>"
        f'<div class="lede">{said}</div></header>'
        f'<dl class="facts">{cells}</dl>'
    )


def _chart(report: TuneReport) -> str:
    frontier, policy = report.frontier, report.policy
    shown = policy if frontier.floors else None
    plots = "".join(
        f'<div class="plot">{Plot(frontier, width, height, font).svg(shown, name)}</div>'
        for (width, height, font), name in ((_WIDE, "wide-only"), (_NARROW, "narrow"))
    )
    drawn = [name for name in NAMES if frontier.curve(name) is not None]
    legend = "".join(
        f'<li><svg viewBox="0 0 30 12" aria-hidden="true"><rect class="band {n}" width="30" height="12"/>'
        f'<line class="curve {n}" x1="0" x2="30" y1="6" y2="6"/></svg>{esc(NAMES[n])}</li>'
        for n in drawn
    )
    if shown is not None:
        legend += (
            '<li><svg viewBox="0 0 30 12" aria-hidden="true"><line class="floor" x1="0" x2="30" y1="6" y2="6"/>'
            '<circle class="now" cx="15" cy="6" r="4"/></svg>the floor, and what keeps it</li>'
        )
    router = frontier.curve("router")
    details = "" if router is None else points_table(frontier.tiers, router.points)
    return (
        f"<section><h2>What quality costs</h2>"
        f"<p>Each point of the router is a price at which it trades quality for cost, on {frontier.n_rows:,} "
        f"requests that it had not learned from. Bands are {pct(0.95)} bootstrap intervals. Squares are the tiers on "
        f"their own.</p>"
        f'<figure>{plots}<ul class="legend">{legend}</ul></figure>{_slider(report)}'
        f"{floors_table(frontier, policy) if frontier.floors else ''}"
        f"<details><summary>Every operating point</summary>{details}</details></section>"
    )


def _slider(report: TuneReport) -> str:
    floors, policy = report.frontier.floors, report.policy
    if not floors:
        return ""
    at = next((i for i, f in enumerate(floors) if abs(f.q - policy.q) < 1e-9), len(floors) - 1)
    now = _said(floors[at], report.tiers)
    cells = "".join(
        f'<div{" class=wide" if key == "who" else ""}><dt>{name}</dt><dd id="now-{key}">{now[key]}</dd>'
        f"{_now_bar(report.tiers, floors[at]) if key == 'who' else ''}</div>"
        for key, name in _READOUTS
    )
    return (
        f'<div class="slider" hidden><label for="floor">Move the floor</label>'
        f'<input type="range" id="floor" min="0" max="{len(floors) - 1}" step="1" value="{at}">'
        f'<output id="floor-shown" for="floor">{exact(floors[at].q)}</output></div>'
        f'<dl class="facts" aria-live="polite">{cells}</dl>'
    )


_READOUTS = (
    ("by", "kept by"),
    ("low", "kept at least"),
    ("score", "mean score"),
    ("cost", "per 1,000 requests"),
    ("saved", "cost saved"),
    ("who", "who answers"),
)


def _said(f: Floor, tiers: tuple[str, ...]) -> dict[str, str]:
    return {
        "by": KEPT_BY[f.by],
        "low": pct(f.kept_low, 1),
        "score": num(f.quality),
        "cost": per_1k(f.cost_usd),
        "saved": pct(f.saved),
        "who": shares(tiers, f.shares),
    }


def _now_bar(tiers: tuple[str, ...], f: Floor) -> str:
    return f'<span id="now-bar">{share_bar(tiers, f.shares)}</span>'


def _figures(report: TuneReport) -> str:
    if not report.figures:
        return ""
    return (
        f"<section><h2>Beside the baselines</h2><p>A router earns its place only above prompt length and above "
        f"mixing tiers blindly.</p>{figures_table(report.figures)}</section>"
    )


def _reliability(report: TuneReport) -> str:
    tiles = "".join(
        f"<figure>{reliability_plot(r)}<figcaption>{esc(r.tier)}<br>mean error {num(r.error)}</figcaption></figure>"
        for r in report.reliability
    )
    if not tiles:
        return ""
    return (
        f"<section><h2>Can p(ok) be taken at its word?</h2><p>Observed score against predicted p(ok), by tenths of "
        f'the rows; on the dashed line it can.</p><div class="tiles">{tiles}</div></section>'
    )


def _domains(report: TuneReport) -> str:
    if not report.domains:
        return ""
    named = "".join(
        f'<li><svg viewBox="0 0 30 12" aria-hidden="true"><rect class="share" width="30" height="12" '
        f'fill-opacity="{tint(i, len(report.tiers))}"/></svg>{esc(t)}</li>'
        for i, t in enumerate(report.tiers)
    )
    return (
        f"<section><h2>Who answers what</h2><p>At the floor of {exact(report.policy.q)}; premium is "
        f"{esc(report.tiers[-1])}.</p>"
        f'<ul class="legend">{named}</ul>{domains_table(report.tiers, report.domains)}</section>'
    )


_TERMS = (
    (
        "price",
        "The router takes the tier with the best p(ok) − price × cost / dearest cost. 0 buys the best answer.",
    ),
    (
        "lower bound",
        "With 95% confidence the policy keeps at least this share of the premium tier's mean score. Prices were "
        "tested in a fixed order from the safe end, on labels that training had not seen (learn then test).",
    ),
    (
        "APGR",
        "Mean share of the gap between both tiers that is won, over all shares of strong answers. Random gives .500, "
        "an oracle may pass 1.",
    ),
    (
        "CPT50, CPT80",
        "Smallest share of strong answers that wins 50 or 80% of the gap. Low is good; random .500, .800.",
    ),
    ("AIQ", "Mean height of the frontier's hull between the cheapest and the best single tier."),
    (
        "over mixing",
        "Mean score above the best blind mix of tiers at the same cost, paired on the same requests.",
    ),
)


def _terms() -> str:
    said = "".join(f"<dt>{esc(t)}</dt><dd>{esc(d)}</dd>" for t, d in _TERMS)
    return f'<section><details><summary>What the words mean</summary><dl class="terms">{said}</dl></details></section>'


def _origin(report: TuneReport) -> str:
    o = report.origin
    prices = ", ".join(
        f"{t} ${p[0]:g} in, ${p[1]:g} out" for t, p in zip(report.tiers, o.usd_per_1m, strict=False) if p
    )
    lines = [
        ("Command", f"<code>{esc(o.command)}</code>"),
        ("Data", f"{esc(o.data)}, {o.n_rows:,} rows, sha256 <code>{esc(o.data_sha256)}</code>"),
        ("Seed", str(o.seed)),
        ("Trained", esc(o.trained_on)),
        ("Embedder", esc(o.embedder)),
        ("USD per 1M tokens", esc(prices)),
        ("Made by", f"Stepwell {esc(o.version)}, {esc(o.made_on)}"),
    ]
    said = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in lines if value)
    return f'<section><h2>Where this comes from</h2><dl class="origin">{said}</dl></section>'


def _data(report: TuneReport) -> str:
    """What the script reads; made safe to stand inside a script element."""
    premium = report.frontier.singles[-1].quality
    router = report.frontier.curve("router")
    floors = [
        {
            "q": exact(f.q),
            "x": 1000 * f.cost_usd,
            "y": f.quality,
            "wanted": f.q * premium,
            "shares": f.shares,
            "said": {key: _plain(text) for key, text in _said(f, report.tiers).items()},
            "spoken": _plain(f"{exact(f.q)}: {per_1k(f.cost_usd)} per 1,000, saved {pct(f.saved)}"),
        }
        for f in report.frontier.floors
    ]
    seen = [
        {"x": 1000 * p.cost_usd, "y": p.quality, "said": _plain("\n".join(point_lines(p, report.tiers)))}
        for p in (router.points if router else ())
    ]
    raw = msgspec.json.encode({"floors": floors, "points": seen}).decode()
    return raw.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _plain(markup: str) -> str:
    """What `esc` and `pct` wrote, as text again: the script sets text, never markup."""
    return unescape(markup)
