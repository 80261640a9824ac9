"""Thresholds on one's own honest traffic, one check at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from stepwell.guards.calibrate.binomial import interval
from stepwell.guards.calibrate.cut import MIN_HONEST, Cut, Promise, cut
from stepwell.guards.calibrate.fingerprint import fingerprint
from stepwell.guards.calibrate.rows import Labelled
from stepwell.guards.calibrate.thresholds import TunedCheck, tuned_cut

BUDGETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
"""Tuned beside the one that is asked for, for rules with a budget of their own."""
READS_SOURCES = frozenset({"groundedness"})
"""Checks that hold an answer against its documents: rows without any tell them nothing."""
BY_NAME = frozenset({"language"})
"""Checks that tell what is allowed, not what is honest: tuned only where somebody asks for them."""


@dataclass(frozen=True, slots=True)
class Share:
    """k of n texts reach a threshold.

    Attributes:
        low, high: 95 % interval of the share.
    """

    n: int
    n_above: int
    low: float
    high: float

    @property
    def share(self) -> float:
        return self.n_above / self.n if self.n else 0.0


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One source of texts at the shipped and at the tuned threshold.

    Attributes:
        label: Whether these should be blocked: the shares then are recall, else false blocks.
    """

    source: str
    label: bool
    shipped: Share
    tuned: Share


@dataclass(frozen=True, slots=True)
class TunedReport:
    """What tuning one check found.

    Attributes:
        cut: At the budget asked for.
        shipped: The shipped threshold for that budget.
        lines: All attacks, all honest texts and what people had to look at, then each source or category.
        kept: What the file keeps.
    """

    check: str
    cut: Cut
    shipped: float
    lines: tuple[SourceLine, ...]
    kept: TunedCheck


class Untuned(ValueError):
    """These rows give a check no threshold: the shipped one stays."""


class TooFewHonest(Untuned):
    """There are too few honest texts to tune on, or the check says nothing of any."""


class NoThreshold(Untuned):
    """No threshold keeps the budget."""


def tune(
    check: str,
    rows: Sequence[Labelled],
    scores: Sequence[float],
    *,
    shipped: Callable[[float], float],
    false_blocks: float,
    floor: float = 0.0,
    confidence: float = 0.95,
    promise: Promise = "sure",
) -> TunedReport:
    """Thresholds for `false_blocks`, and for those of `BUDGETS` that some threshold keeps.

    Args:
        scores: The check's, one for each row.
        shipped: Its threshold for a budget before.
        floor: Below it the check reports nothing, and no threshold is put there.

    Raises:
        TooFewHonest: Fewer than MIN_HONEST rows are a sample of honest traffic, or it says nothing of any of them.
        NoThreshold: Too many honest rows score as high as a score can be.
    """
    rows, scores = _told(check, rows, scores)
    honest = _honest(check, rows, scores)
    budgets = sorted({*BUDGETS, false_blocks})
    made = {b: cut(honest, b, confidence=confidence, promise=promise, shipped=shipped(b)) for b in budgets}
    cuts = {b: replace(c, threshold=max(c.threshold, floor)) for b, c in made.items()}
    found = cuts[false_blocks]
    if found.threshold > 1:
        n_top = sum(s >= 1 for s in honest)
        raise NoThreshold(
            f"no threshold keeps {false_blocks:.2%}: {n_top:,} of {len(honest):,} honest texts score 1"
        )
    kept = tuple(tuned_cut(c) for c in cuts.values() if c.threshold <= 1)
    return TunedReport(
        check,
        found,
        shipped(false_blocks),
        lines_of(check, rows, scores, shipped(false_blocks), found.threshold),
        TunedCheck(kept, len(honest), fingerprint(check)),
    )


def _told(
    check: str, rows: Sequence[Labelled], scores: Sequence[float]
) -> tuple[Sequence[Labelled], Sequence[float]]:
    """Those rows, and their scores, that tell the check anything."""
    if check not in READS_SOURCES:
        return rows, scores
    told = [(r, s) for r, s in zip(rows, scores, strict=True) if r.documents]
    return [r for r, _ in told], [s for _, s in told]


def _honest(check: str, rows: Sequence[Labelled], scores: Sequence[float]) -> list[float]:
    """Scores of the sample of honest traffic that a check can say something of.

    Raises:
        TooFewHonest: As `tune`.
    """
    honest = [s for r, s in zip(rows, scores, strict=True) if not r.label and not r.check]
    if len(honest) < MIN_HONEST:
        which = "honest answers with documents" if check in READS_SOURCES else "honest texts"
        raise TooFewHonest(f"{len(honest)} {which}; {MIN_HONEST} are the least to tune on")
    if not any(s > 0 for s in honest):
        raise TooFewHonest(f"it says nothing of any of {len(honest):,} honest texts")
    return honest


def share(scores: Sequence[float], threshold: float) -> Share:
    """How many reach a threshold."""
    n_above = sum(s >= threshold for s in scores)
    return Share(len(scores), n_above, *interval(n_above, len(scores)))


def lines_of(
    check: str, rows: Sequence[Labelled], scores: Sequence[float], shipped: float, tuned: float
) -> tuple[SourceLine, ...]:
    """False blocks and recall at two thresholds: of all rows, then by source and category where there are several."""
    groups: dict[tuple[bool, str], list[float]] = {}
    for row, score in zip(rows, scores, strict=True):
        if row.check not in ("", check):
            continue
        for name in dict.fromkeys(
            ("reviewed" if row.check else "all", row.category if row.label else row.source)
        ):
            if name:
                groups.setdefault((row.label, name), []).append(score)
    names = {
        label: {name for of, name in groups if of == label} - {"all", "reviewed"} for label in (True, False)
    }
    groups = {(label, name): of for (label, name), of in groups.items() if names[label] != {name}}
    order = sorted(groups, key=lambda g: (g[0], g[1] != "all", g[1]))
    return tuple(
        SourceLine(name, label, share(groups[label, name], shipped), share(groups[label, name], tuned))
        for label, name in order
    )
