"""How often a judge is wrong, from the planted answers that it was shown."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

from stepwell.evals.entries import Planted
from stepwell.evals.scoring.graded.planted import RIGHT
from stepwell.evals.verdict.shares import wilson

MAX_FALSE_ACCEPTS = 0.15
# how the name of a form begins in which answers are compared
PAIRWISE = "pairwise"

Trust = Literal["trusted", "not shown to be below", "refused", "not measured"]


@dataclass(frozen=True, slots=True)
class Rate:
    """How many planted answers of one style a judge accepted.

    Attributes:
        low, high: 95 % interval of the share (Wilson).
        kind: Of the questions; None: all of them.
    """

    style: str
    n: int
    n_accepted: int
    low: float
    high: float
    kind: str | None = None

    @property
    def share(self) -> float | None:
        return self.n_accepted / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class JudgeReport:
    """What is known of one judge, asked in one form.

    Attributes:
        wrong: Styles of wrong answers: what is accepted of them is a false accept. Worst first.
        right: Right answers, where some were shown: what is not accepted of them is a false reject.
        by_kind: Of the wrong ones, by kind of question.
        errors: Answers that it gave no verdict on, by error code: no part of any share.
    """

    judge: str
    form: str
    wrong: tuple[Rate, ...]
    right: Rate | None
    by_kind: tuple[Rate, ...] = ()
    errors: Mapping[str, int] = field(default_factory=dict)
    nano_usd: int = 0

    @property
    def is_pair(self) -> bool:
        """It compared answers; else it graded them."""
        return self.form.startswith(PAIRWISE)

    @property
    def worst(self) -> Rate | None:
        """The style of which most are accepted: what counts against the judge."""
        return self.wrong[0] if self.wrong else None

    @property
    def n_errors(self) -> int:
        return sum(self.errors.values())

    @property
    def n_shown(self) -> int:
        """Answers that it judged."""
        return sum(rate.n for rate in self.wrong) + (self.right.n if self.right else 0)

    @property
    def false_reject_share(self) -> float | None:
        """Of the right answers; None where none were shown."""
        share = self.right.share if self.right else None
        return None if share is None else 1 - share

    @property
    def is_blind(self) -> bool:
        """It accepts right answers no more often than wrong ones, as one that refuses everything."""
        right, wrong = (rate.share if rate else None for rate in (self.right, self.worst))
        return right is not None and wrong is not None and right <= wrong

    def trust(self, max_false_accepts: float = MAX_FALSE_ACCEPTS) -> Trust:
        """Whether verdicts may rest on this judge: its worse style counts."""
        worst = self.worst
        if worst is None or worst.share is None:
            return "not measured"
        if worst.share > max_false_accepts or self.is_blind:
            return "refused"
        return "trusted" if worst.high <= max_false_accepts else "not shown to be below"

    def is_believed(self, max_false_accepts: float = MAX_FALSE_ACCEPTS) -> bool:
        """It was measured, and isn't refused."""
        return self.trust(max_false_accepts) in ("trusted", "not shown to be below")

    def said(self, max_false_accepts: float = MAX_FALSE_ACCEPTS) -> str:
        """One sentence for people: what is accepted of each style, what is refused of right answers, the outcome."""
        form = self.form.partition(" #")[0]
        name = f"judge {self.judge} ({form})" if self.judge else "this judge"
        trust = self.trust(max_false_accepts)
        if trust == "not measured":
            return f"{name} was not measured: its grades are no grounds for a verdict"
        accepts = " and ".join(_accepted(rate) for rate in self.wrong if rate.n)
        share = self.false_reject_share
        rejects = "" if share is None else f", and refuses {share:.1%} of right ones"
        end = {
            "refused": "refused, as it can't tell them apart"
            if self.is_blind
            else "refused, the limit is {}",
            "not shown to be below": "not shown to be below {}; more answers would tell (--judge-checks)",
            "trusted": "below {}",
        }[trust].format(f"{max_false_accepts:.0%}")
        return f"{name} accepts {accepts}{rejects}: {end}"

    def as_dict(self, max_false_accepts: float = MAX_FALSE_ACCEPTS) -> dict[str, object]:
        """Plain values for --json."""
        return {
            **asdict(self),
            "n_errors": self.n_errors,
            "wrong": [_plain(rate) for rate in self.wrong],
            "right": _plain(self.right) if self.right else None,
            "by_kind": [_plain(rate) for rate in self.by_kind],
            "false_reject_share": self.false_reject_share,
            "max_false_accepts": max_false_accepts,
            "trust": self.trust(max_false_accepts),
        }


def _accepted(rate: Rate) -> str:
    return f"{rate.share:.1%} of {rate.style} wrong answers ({rate.low:.1%} to {rate.high:.1%})"


def _plain(rate: Rate) -> dict[str, object]:
    return {**asdict(rate), "share": rate.share}


def judge_reports(
    planted: Iterable[Planted], *, kinds: Mapping[str, str] | None = None
) -> tuple[JudgeReport, ...]:
    """A report for each judge and form, by name."""
    lines: dict[tuple[str, str], list[Planted]] = defaultdict(list)
    for line in planted:
        lines[line.judge, line.form].append(line)
    return tuple(judge_report(of, kinds=kinds) for _, of in sorted(lines.items()))


def judge_report(planted: Iterable[Planted], *, kinds: Mapping[str, str] | None = None) -> JudgeReport:
    """The report of one judge, whatever order the lines came in; of several with one key the last one counts.

    Args:
        kinds: Case -> kind of question; without, nothing is said by kind.
    """
    lines = list({line.key: line for line in planted}.values())
    by_style: dict[str, list[Planted]] = defaultdict(list)
    by_kind: dict[tuple[str, str], list[Planted]] = defaultdict(list)
    for line in lines:
        by_style[line.style].append(line)
        kind = (kinds or {}).get(line.case)
        if kind is not None and line.style != RIGHT:
            by_kind[line.style, kind].append(line)
    wrong = [_rate(style, of) for style, of in by_style.items() if style != RIGHT]
    return JudgeReport(
        judge=next((line.judge for line in lines), ""),
        form=next((line.form for line in lines), ""),
        wrong=tuple(sorted(wrong, key=lambda r: (-(r.share or 0.0), r.style))),
        right=_rate(RIGHT, by_style[RIGHT]) if RIGHT in by_style else None,
        by_kind=tuple(_rate(style, of, kind) for (style, kind), of in sorted(by_kind.items())),
        errors=dict(
            sorted(Counter(line.error or "unknown" for line in lines if line.is_accepted is None).items())
        ),
        nano_usd=sum(line.nano_usd for line in lines),
    )


def unmeasured(judge: str, form: str) -> JudgeReport:
    """Of one that was shown nothing."""
    return JudgeReport(judge, form, (), None)


def _rate(style: str, lines: Sequence[Planted], kind: str | None = None) -> Rate:
    judged = [line.is_accepted for line in lines if line.is_accepted is not None]
    n_accepted = sum(judged)
    return Rate(style, len(judged), n_accepted, *wilson(n_accepted, len(judged)), kind)


def why_refused(
    reports: Iterable[JudgeReport], max_false_accepts: float = MAX_FALSE_ACCEPTS
) -> tuple[str, ...]:
    """Why verdicts can't rest on these judges, one sentence each; for rows that a judge scored, where it is none."""
    found = tuple(reports) or (unmeasured("", ""),)
    return tuple(r.said(max_false_accepts) for r in found if not r.is_believed(max_false_accepts))
