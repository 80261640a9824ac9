"""The page's tables: arms, pairs, tags, the judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepwell.evals.page.graphics import share_bar, whisker
from stepwell.evals.page.model import ArmFigures, Figures, Span, TagFigures
from stepwell.evals.page.table import table
from stepwell.evals.page.text import esc, num, pct, per_1k, points, usd
from stepwell.evals.page.words import between
from stepwell.evals.scoring.graded.judge_report import JudgeReport
from stepwell.evals.scoring.graded.preferences import Preference
from stepwell.evals.verdict.needed import round_up
from stepwell.evals.verdict.pair import Effect, Pair

MANY_TAGS, MAX_TAGS = 12, 200
_NOTHING = "–"


def arms_table(figures: Figures) -> str:
    """One row an arm; dollars by what they were paid for."""
    arms = figures.arms
    books = [b for b in dict.fromkeys(b for a in arms for b in a.books) if any(a.books.get(b) for a in arms)]
    parts = list(dict.fromkeys(p for a in arms for p in a.parts))
    has_firsts = any(a.firsts_ms for a in arms)
    head = (
        *(
            "Arm",
            "quality",
            None,
            "rows",
            "errors",
            "answers,<br>per 1,000",
            *(f"{esc(b)}, $".replace(", at most", ",<br>at most") for b in books),
        ),
        *("tokens in", "out", "p50 ms", "p95", "p99"),
        *(("first token p50", "p95") if has_firsts else ()),
        *(esc(p) for p in parts),
    )
    lo, hi = _ends([a.quality for a in arms])
    rows = []
    for a in arms:
        firsts = "".join(_td(_ms(a.firsts_ms.get(p))) for p in ("p50", "p95")) if has_firsts else ""
        name = esc(a.name) + (" <small>baseline</small>" if a.name == figures.baseline else "")
        rows.append(
            f'<tr><th scope="row">{name}</th>{_td(_quality(a.quality))}'
            f'<td class="text wide-only">{_drawn(a.quality, lo, hi)}</td>{_td(f"{a.n_rows:,}")}'
            f"{_td(_counts(a.errors))}{_td(per_1k(a.cost_usd))}"
            f"{''.join(_td(usd(a.books.get(b, 0.0))) for b in books)}"
            f"{_td(f'{a.n_in_tokens:,}')}{_td(f'{a.n_out_tokens:,}')}"
            f"{''.join(_td(_ms(a.waits_ms.get(p))) for p in ('p50', 'p95', 'p99'))}{firsts}"
            f"{''.join(_td(num(a.parts[p]) if p in a.parts else _NOTHING) for p in parts)}</tr>"
        )
    return table("Arms: quality with its 95% interval, cost, tokens, milliseconds", head, rows)


def pairs_table(pairs: Sequence[Pair]) -> str:
    """One row a pair; effect sizes where the method has them."""
    has_odds = any(p.odds is not None for p in pairs)
    has_d = any(p.d_z is not None for p in pairs)
    is_open = any(p.n_more is not None for p in pairs)
    lo, hi = min((p.low for p in pairs), default=0.0), max((p.high for p in pairs), default=0.0)
    head = (
        *("Pair", "points", None, "rows", "only first", "only second", "p"),
        *(["odds"] if has_odds else []),
        *(["d<sub>z</sub>"] if has_d else []),
        *("Verdict", *(["more rows"] if is_open else [])),
    )
    rows = [
        f'<tr class="{_word_class(p)}"><th scope="row">{esc(p.a)} − {esc(p.b)}</th>'
        f"<td>{points(p.difference)}<br><small>{between(p)}</small></td>"
        f'<td class="text wide-only">{whisker(p.difference, p.low, p.high, lo=min(lo, 0), hi=max(hi, 0), mark=0)}</td>'
        f"{_td(f'{p.n_rows:,}')}{_td(f'{p.n_only_a:,}')}{_td(f'{p.n_only_b:,}')}{_td(f'{p.p:.2g}')}"
        f"{_td(_effect(p.odds)) if has_odds else ''}{_td(_effect(p.d_z)) if has_d else ''}"
        f'<td class="text">{esc(p.word)}</td>{_more(p) if is_open else ""}</tr>'
        for p in pairs
    ]
    return table("Pairs: the first arm's quality less the second's, on the same rows", head, rows)


def tags_table(arms: Sequence[ArmFigures], tags: Sequence[TagFigures]) -> str:
    """One row a tag, those with most rows first; many are folded."""
    drawn = [_tags(arms, tags[:MANY_TAGS])]
    if len(tags) > MANY_TAGS:
        rest = _tags(arms, tags[MANY_TAGS:MAX_TAGS])
        if len(tags) > MAX_TAGS:
            rest += f"<p>{len(tags) - MAX_TAGS:,} tags with fewer rows are in the run's report.json.</p>"
        drawn.append(f"<details><summary>{len(tags) - MANY_TAGS:,} more tags</summary>{rest}</details>")
    return "".join(drawn)


def judges_table(judges: Sequence[JudgeReport]) -> str:
    """How judges took planted answers."""
    rows = []
    for judge in judges:
        for rate in (*judge.wrong, *((judge.right,) if judge.right else ())):
            kind = "right" if rate is judge.right else f"wrong, {esc(rate.style)}"
            share = _NOTHING if rate.share is None else pct(rate.share, 1)
            rows.append(
                f'<tr><th scope="row">{esc(judge.judge) or "judge"} <small>{esc(judge.form)}</small></th>'
                f'<td class="text">{kind}</td>{_td(f"{rate.n:,}")}{_td(share)}'
                f"{_td(f'{pct(rate.low, 1)} to {pct(rate.high, 1)}')}</tr>"
            )
    head = ("Judge", "Planted answer", "shown", "accepted", "95% interval")
    return table("Judges on planted answers", head, rows)


def preferences_table(preferences: Sequence[Preference]) -> str:
    """Answers side by side before the judge, in both orders."""
    rows = [
        f'<tr><th scope="row">{esc(p.a)} over {esc(p.b)}</th>{_td(_NOTHING if p.score is None else pct(p.score, 1))}'
        f"{_td(f'{pct(p.low, 1)} to {pct(p.high, 1)}')}{_td(f'{p.n_won:,}')}{_td(f'{p.n_tied:,}')}"
        f"{_td(f'{p.n_lost:,}')}{_td(_share(p.inconsistent_share))}{_td(_share(p.longer_share))}"
        f'<td class="text">{esc(p.pair.word)}</td></tr>'
        for p in preferences
    ]
    head = (
        *("Pair", "preferred", "95% interval", "won", "tied", "lost"),
        *("turned with the order", "won by the longer", "Verdict"),
    )
    return table("What the judge preferred, ties as half", head, rows)


def served_table(arms: Sequence[ArmFigures]) -> str:
    """Who answered, where a router or a fallback chose."""
    tiers = tuple(dict.fromkeys(tier for a in arms for tier in a.served))
    rows = []
    for a in arms:
        n = sum(a.served.values())
        if n:
            shares = tuple(a.served.get(t, 0) / n for t in tiers)
            said = ", ".join(f"{esc(t)} {pct(s)}" for t, s in zip(tiers, shares, strict=True) if s)
            bar = share_bar(tiers, shares)
            rows.append(
                f'<tr><th scope="row">{esc(a.name)}</th><td class="text">{bar} <small>{said}</small></td>'
                f"{_td(f'{n:,}')}</tr>"
            )
    return table("Who answered", ("Arm", "Answered by", "samples"), rows) if rows else ""


def _tags(arms: Sequence[ArmFigures], tags: Sequence[TagFigures]) -> str:
    rows = [
        f'<tr><th scope="row">{esc(t.tag)}</th>{_td(f"{t.n_rows:,}")}'
        f"{''.join(_td(_quality(q)) for q in t.quality)}</tr>"
        for t in tags
    ]
    return table("Quality by tag", ("Tag", "rows", *(f"<span>{esc(a.name)}</span>" for a in arms)), rows)


def _td(text: str) -> str:
    return f"<td>{text}</td>"


def _quality(of: Span | None) -> str:
    return _NOTHING if of is None else f"{num(of.value)}<br><small>{num(of.low)} to {num(of.high)}</small>"


def _drawn(of: Span | None, lo: float, hi: float) -> str:
    return "" if of is None else whisker(of.value, of.low, of.high, lo=lo, hi=hi, mark=None)


def _ends(of: Sequence[Span | None]) -> tuple[float, float]:
    found = [e for q in of if q is not None for e in (q.low, q.high)]
    return min(found, default=0.0), max(found, default=1.0)


def _effect(effect: Effect | None) -> str:
    if effect is None or effect.value is None:
        return _NOTHING
    high = "∞" if effect.high is None else f"{effect.high:.2f}"
    return f"{effect.value:.2f}<br><small>{effect.low:.2f} to {high}</small>".replace("-", "−")


def _share(share: float | None) -> str:
    return _NOTHING if share is None else pct(share)


def _more(pair: Pair) -> str:
    return _td(_NOTHING if pair.n_more is None else f"about {round_up(pair.n_more):,}")


def _word_class(pair: Pair) -> str:
    return pair.word.replace(" ", "-")


def _counts(counts: Mapping[str, int]) -> str:
    return "<br>".join(f"{n:,} <small>{esc(name)}</small>" for name, n in counts.items()) or "0"


def _ms(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:,.0f}"
