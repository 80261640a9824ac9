"""A report as Markdown, for a pull request: the verdict, arms, pairs, the judge, and what failed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from stepwell.evals.ends import ArmEnds
from stepwell.evals.gate import Gate
from stepwell.evals.gate import gate as gate_of
from stepwell.evals.held import Held
from stepwell.evals.page.fill import figures_of
from stepwell.evals.page.model import ArmFigures, Figures, Span
from stepwell.evals.page.text import per_1k, points, seen, short, usd
from stepwell.evals.page.words import GATES, between, counted, details, headline, looked
from stepwell.evals.report import Report
from stepwell.evals.verdict.needed import round_up
from stepwell.evals.verdict.pair import Pair

N_FAILURES = 20
_NOTHING = "–"
_SPECIAL = re.compile(r"([\\`*_\[\]|<>~&])")


def markdown(
    report: Report,
    *,
    gate: Gate | None = None,
    held: Held | None = None,
    prompts: Mapping[str, str] | None = None,
    answers: Mapping[tuple[str, str], str] | None = None,
    n_failures: int = N_FAILURES,
) -> str:
    """A comment for a pull request; the same bytes for the same journal, whatever the hour.

    Args:
        gate: Where it was asked otherwise than by default.
        held: The journal, for what failed.
        prompts: By row, to show the beginning of what failed; without them only ids are shown.
        answers: By arm and row, to show their beginning, too.
        n_failures: Shown of each arm at most, the worst first.
    """
    figures = figures_of(report, gate or gate_of(report), held.header if held else None)
    parts = [
        f"### {_safe(headline(figures))}",
        _summary(figures),
        "\n".join(f"- {_safe(line)}" for line in details(figures)),
        _table(_ARM_HEAD, [_arm(a, figures.baseline) for a in figures.arms]),
        _table(_PAIR_HEAD, [_pair(p) for p in figures.pairs]),
        _safe(looked(figures)),
        *(_failed(held, figures, prompts or {}, answers or {}, n_failures) if held is not None else ()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


_ARM_HEAD = (
    "arm",
    "quality",
    "95 %",
    "rows",
    "answers, $ per 1,000",
    "p50 / p95 ms",
    "tokens in + out",
    "errors",
)
_PAIR_HEAD = ("pair", "difference, points", "interval", "rows", "p", "verdict")


def _summary(figures: Figures) -> str:
    reasons = "".join(f"; {reason}" for reason in figures.reasons)
    return (
        f"Gate: **{_safe(GATES[figures.gate])}**{_safe(reasons)}. Suite {_code(figures.suite)} "
        f"(sha256 {_code(figures.suite_sha256[:12])}), {figures.n_ended:,} of {figures.n_planned:,} samples, "
        f"{f'${figures.cost_usd:.6f}' if figures.cost_usd >= 0.01 else usd(figures.cost_usd)} in all."
    )


def _arm(arm: ArmFigures, baseline: str | None) -> tuple[str, ...]:
    waits = " / ".join(f"{arm.waits_ms[p]:.0f}" for p in ("p50", "p95") if p in arm.waits_ms)
    name = _safe(arm.name) + (" (baseline)" if arm.name == baseline else "")
    errors = ", ".join(f"{n} {_code(code)}" for code, n in arm.errors.items())
    return (
        name,
        *_quality(arm.quality),
        f"{arm.n_rows:,}",
        per_1k(arm.cost_usd).removeprefix("$"),
        waits or _NOTHING,
        f"{arm.n_in_tokens:,} + {arm.n_out_tokens:,}",
        errors or "0",
    )


def _quality(quality: Span | None) -> tuple[str, str]:
    if quality is None:
        return _NOTHING, _NOTHING
    return f"{quality.value:.3f}", f"{quality.low:.3f} to {quality.high:.3f}"


def _pair(p: Pair) -> tuple[str, ...]:
    more = "" if p.n_more is None else f" (about {round_up(p.n_more):,} more)"
    name = f"{_safe(p.a)} − {_safe(p.b)}"
    return (name, points(p.difference), between(p), f"{p.n_rows:,}", f"{p.p:.3g}", p.word + more)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def _failed(
    held: Held,
    figures: Figures,
    prompts: Mapping[str, str],
    answers: Mapping[tuple[str, str], str],
    n_most: int,
) -> Iterator[str]:
    by_arm = held.ends.by_arm()
    for arm in figures.arms:
        means = _means(by_arm[arm.name]) if arm.name in by_arm else {}
        worst = sorted((score, row) for row, score in means.items() if score < 1)
        if worst:
            lines = [
                _line(row, score, prompts.get(row, ""), answers.get((arm.name, row), ""))
                for score, row in worst[:n_most]
            ]
            left = len(worst) - len(lines)
            more = [f"- … and {left:,} more"] if left > 0 else []
            yield (
                f"<details><summary>{_safe(arm.name)}: {len(worst):,} of {counted(len(means), 'row')} not fully right"
                f"</summary>\n\n" + "\n".join([*lines, *more]) + "\n\n</details>"
            )


def _means(ends: ArmEnds) -> dict[str, float]:
    of = ends.all
    by_row = groupby(ends.scored().places, key=of.row.__getitem__)
    scores = ((of.rows[row], [of.score[n] for n in places]) for row, places in by_row)
    return {row: math.fsum(of_row) / len(of_row) for row, of_row in scores}


def _line(row: str, score: float, prompt: str, answer: str) -> str:
    """Texts stand in spans of code, where they call nobody and link to nothing."""
    shown = ((name, " ".join(text.split())) for name, text in ((" ", prompt), (" answered ", answer)))
    said = "".join(f"{name}{_code(short(text, 100))}" for name, text in shown if text)
    return f"- {_code(row)} {score:.2f}{said}"


def _safe(text: str) -> str:
    """Text that Markdown and HTML leave as it is."""
    return _SPECIAL.sub(r"\\\1", seen(" ".join(text.split())))


def _code(text: str) -> str:
    return f"`{seen(' '.join(text.split())).replace('`', chr(39)) or ' '}`"
