"""The verdict in words, for the page and for pull requests; plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stepwell.evals.page.model import Figures
from stepwell.evals.page.text import num, points
from stepwell.evals.scoring.graded.preferences import Preference
from stepwell.evals.verdict.needed import round_up
from stepwell.evals.verdict.pair import Pair

GATES: dict[str, str] = {
    "pass": "passed",
    "regression": "failed: a regression",
    "inconclusive": "undecided",
    "infrastructure": "no verdict: infrastructure",
}


MOST_PAIRS = 8


def headline(figures: Figures) -> str:
    """The verdict in one sentence."""
    if figures.gate == "infrastructure":
        arm = max(figures.arms, key=lambda a: a.n_errors / max(1, a.n_samples))
        return f"No verdict: {_percent(arm.n_errors, arm.n_samples)} of {arm.name}'s samples ended as errors"
    if not any(arm.quality for arm in figures.arms):
        return "No verdict: nothing was scored"
    pairs = asked_about(figures)
    if figures.gate == "inconclusive" and figures.reasons:
        judge = next((words for reason in figures.reasons if (words := _of_judge(reason))), None)
        if judge or all(p.is_decided for p in pairs):
            # something else than a pair stands against a verdict: a judge that errs, a run that broke off
            return f"No verdict: {judge or figures.reasons[0]}"
    if not pairs:
        (arm,) = [a for a in figures.arms if a.quality][:1]
        low, high = (num(v) for v in (arm.quality or (0, 0, 0))[1:])
        return f"{arm.name} scores {num(arm.quality.value if arm.quality else 0)}, between {low} and {high}"
    if len(pairs) == 1:
        return said(pairs[0])
    if figures.baseline is not None:
        return _against(figures.baseline, pairs)
    return _best(pairs)


# how a reason that is about a judge ends, and what it comes to
_JUDGES = (
    (
        re.compile(r": refused, as it can't tell them apart$"),
        "the judge can't tell right answers from wrong ones",
    ),
    (
        re.compile(r" wrong answers .*: refused, the limit is [\d.]+%$"),
        "the judge accepts too many wrong answers",
    ),
    (
        re.compile(r" was not measured: its grades are no grounds for a verdict$"),
        "the judge was not measured",
    ),
)


def _of_judge(reason: str) -> str | None:
    return next((words for pattern, words in _JUDGES if pattern.search(reason)), None)


def details(figures: Figures) -> list[str]:
    """What stands below the headline: the other pairs, what is missing, what the judge is worth."""
    scored = [(arm.quality.value, arm.name) for arm in figures.arms if arm.quality]
    best = max(scored, default=(0.0, ""))[1]
    pairs = asked_about(figures)
    if figures.baseline is None:
        pairs.sort(key=lambda p: best not in (p.a, p.b))
    lines = [said(p) + "." for p in pairs[:MOST_PAIRS]] if len(pairs) > 1 else []
    if len(pairs) > MOST_PAIRS:
        lines.append(f"{counted(len(pairs) - MOST_PAIRS, 'more pair')} below.")
    if any(p.is_early for p in pairs):
        early = max(p.look or 0 for p in pairs if p.is_early)
        lines.append(f"Said before all planned rows were asked, at look {early} of {pairs[0].n_looks}.")
    if figures.n_ended < figures.n_planned:
        lines.append(f"{figures.n_ended:,} of {figures.n_planned:,} samples ended: the run stopped early.")
    if figures.n_errors and figures.gate != "infrastructure":
        lines.append(f"{counted(figures.n_errors, 'sample')} ended as errors; they are part of no score.")
    lines += [preferred(p) for p in figures.preferences]
    return lines + [_sentence(note) for note in figures.notes]


def looked(figures: Figures) -> str:
    """How a run that looked on its way was judged; "" of one that looked at its end alone."""
    seen = [p for p in figures.pairs if p.look is not None]
    if not seen:
        return ""
    of = "" if figures.n_rows_planned is None else f" of {figures.n_rows_planned:,} planned rows"
    first = seen[0]
    stood = {(p.look, p.n_rows) for p in seen}
    at = (
        f" Judged at look {first.look} of {first.n_looks}, after {first.n_rows:,}{of or ' rows'}."
        if len(stood) == 1
        else f" Judged at looks {min(p.look or 0 for p in seen)} to {max(p.look or 0 for p in seen)} of "
        f"{first.n_looks}, after up to {max(p.n_rows for p in seen):,}{of or ' rows'}."
    )
    return (
        f"Group sequential: the run looked on its way and could stop at each look, its chance of error spread over all "
        f"of them.{at} p and interval are stagewise: they count the looks (where a tie or rows of one source make "
        f"that impossible, the interval is the one that holds at all looks at once)."
    )


def asked_about(figures: Figures) -> list[Pair]:
    """Pairs as the verdict speaks of them: seen from the other arm where there is a baseline, else from the better."""
    base = figures.baseline
    if base is None:
        return [p if p.difference >= 0 else p.seen_from(p.b) for p in figures.pairs]
    return [p.seen_from(p.b if p.a == base else p.a) for p in figures.pairs if base in (p.a, p.b)]


def said(p: Pair) -> str:
    """One pair: "good is better than cheap by 13.6 points (12.6 to 14.5)"."""
    if p.word in ("better", "worse"):
        upright = p if p.word == "better" else p.seen_from(p.b)
        size = f"{100 * upright.difference:z.1f} points ({between(upright)})"
        return f"{p.a} is {p.word} than {p.b} by {size}"
    size = f"{points(p.difference)} points ({between(p)})"
    if p.word == "tied":
        within = "" if p.margin is None else f" within {100 * p.margin:g} points"
        return f"{p.a} and {p.b} are tied{within}: {size}"
    more = "" if p.n_more is None else f"; about {counted(round_up(p.n_more), 'more row')} would settle it"
    return f"{p.a} against {p.b} is open: {size}{more}"


def preferred(p: Preference) -> str:
    """What the judge liked better, seen from the arm that it did."""
    if p.score is None:
        return f"The judge could compare {p.a} and {p.b} on no row."
    a, b, score, low, high = (p.a, p.b, p.score, p.low, p.high)
    if score < 0.5:
        a, b, score, low, high = (b, a, 1 - score, 1 - high, 1 - low)
    word = "prefers" if p.pair.word in ("better", "worse") else "does not clearly prefer"
    return f"The judge {word} {a} to {b}: {100 * score:z.1f}% ({100 * low:z.1f} to {100 * high:z.1f}), ties as half."


def between(p: Pair) -> str:
    """The interval of a difference, in points of 100."""
    return f"{100 * p.low:z.1f} to {100 * p.high:z.1f}".replace("-", "−")


def _against(base: str, pairs: Sequence[Pair]) -> str:
    worse = [p.a for p in pairs if p.word == "worse"]
    if worse:
        return f"{_listed(worse)} {'is' if len(worse) == 1 else 'are'} worse than {base}"
    better = [p.a for p in pairs if p.word == "better"]
    unsure = [p.a for p in pairs if p.word == "need more"]
    if better:
        text = f"{_listed(better)} {'is' if len(better) == 1 else 'are'} better than {base}"
        return f"{text}; {_listed(unsure)} open" if unsure else text
    return f"{_listed(unsure)} against {base}: open" if unsure else f"All are tied with {base}"


def _best(pairs: Sequence[Pair]) -> str:
    """pairs are seen from the better of each."""
    arms = {arm for p in pairs for arm in (p.a, p.b)}
    best = next((a for a in sorted(arms) if all(p.a == a for p in pairs if a in (p.a, p.b))), None)
    if best is None:
        return f"No arm of {len(arms)} leads"
    beaten = [p.b for p in pairs if p.a == best and p.word == "better"]
    others = [p.b for p in pairs if p.a == best and p.word != "better"]
    if not others:
        return f"{best} is best of {len(arms)}"
    if not beaten:
        return f"{best} leads, but is not shown to be better than {_listed(others)}"
    return f"{best} is better than {_listed(beaten)}, and not shown to be better than {_listed(others)}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def counted(n: int, what: str) -> str:
    """ "1 row", "1,200 rows"."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _percent(n: int, of: int) -> str:
    return f"{100 * n / max(of, 1):z.1f}%"
