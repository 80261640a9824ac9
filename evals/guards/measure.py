"""What the heads that ship say of labelled texts: ranking, recall at small shares flagged, and their own thresholds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.base.decisions import Stage
from stepwell.evals.auroc import auroc_between
from stepwell.evals.guards.replay import HEADS, head_of
from stepwell.evals.guards.rows import Row
from stepwell.guards import checks
from stepwell.guards.calibrate.rows import Labelled
from stepwell.guards.calibrate.scores import score_rows
from stepwell.guards.check import Judge

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Embed = Callable[[Sequence[str]], "NDArray[np.float32]"]
Show = Callable[[str, int, int], None]
SHARES = (0.01, 0.05)
_N_PLAIN = 150


@dataclass(frozen=True, slots=True)
class Line:
    """One category of attacks, or one source of honest texts.

    Attributes:
        at_shares: Attacks: recall where SHARES of the file's ordinary honest texts are flagged. Honest: None.
        at_default: Share that the shipped threshold for 1 % flags.
        auc: Attacks: against all ordinary honest texts of the file.
    """

    name: str
    label: bool
    n: int
    at_default: float
    auc: float | None = None
    at_shares: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class HeadReport:
    """One head's.

    Attributes:
        lookalikes_ok: Share of suspicious-looking honest texts that pass where 1 % of ordinary ones are flagged.
    """

    head: str
    threshold: float
    attacks: tuple[Line, ...]
    honest: tuple[Line, ...]
    auc: float
    mean_recall: tuple[float, ...]
    lookalikes_ok: float | None = None


def judge_of(head: str) -> Judge:
    """The shipped check, that reports every score."""
    made = checks.make(head, {"floor": 0.0})
    assert isinstance(made, Judge)
    return made


def measure(rows: Sequence[Row], embed: Embed, show: Show | None = None) -> list[HeadReport]:
    """A report for each head that the file has attacks and ordinary honest texts for."""
    reports = []
    for head in HEADS:
        attacks = [r for r in rows if r.label and head_of(r.category) == head]
        honest = [r for r in rows if not r.label and not r.is_lookalike and _is_ordinary(r, head)]
        alike = [r for r in rows if not r.label and r.is_lookalike]
        if attacks and honest:
            reports.append(_report(head, attacks, honest, alike, embed, show))
    return reports


def _is_ordinary(row: Row, head: str) -> bool:
    """Toxicity is told apart from other short messages; asks from asks; documents are a matter of the same head."""
    return head_of(row.category) == ("toxicity" if head == "toxicity" else "injection")


def _report(
    head: str, attacks: list[Row], honest: list[Row], alike: list[Row], embed: Embed, show: Show | None
) -> HeadReport:
    import numpy as np

    judge = judge_of(head)
    every = [*attacks, *honest, *alike]
    found = np.array(scores_of(judge, every, embed, show))
    bad, good, like = np.split(found, [len(attacks), len(attacks) + len(honest)])
    cuts = [float(np.quantile(good, 1 - share)) for share in SHARES]
    default = judge.default_threshold(SHARES[0])
    lines = [
        Line(
            name,
            True,
            int(mine.sum()),
            float((bad[mine] >= default).mean()),
            auroc_between(bad[mine], good),
            tuple(float((bad[mine] > cut).mean()) for cut in cuts),
        )
        for name, mine in grouped([r.category for r in attacks])
    ]
    quiet = [
        Line(name, False, int(mine.sum()), float((good[mine] >= default).mean()))
        for name, mine in grouped([r.source for r in honest])
    ]
    means = tuple(
        float(np.mean([line.at_shares[i] for line in lines if line.at_shares])) for i in range(len(SHARES))
    )
    passes = float((like <= cuts[0]).mean()) if len(like) else None
    return HeadReport(head, default, tuple(lines), tuple(quiet), auroc_between(bad, good), means, passes)


def scores_of(judge: Judge, rows: Sequence[Row], embed: Embed, show: Show | None = None) -> list[float]:
    """The highest score of each row, 0..1; rows whose category speaks of a document are read as retrieved text."""
    labelled = [Labelled(r.text, r.label, r.category, r.source, stage_of(r)) for r in rows]
    told = None if show is None else (lambda n, of: show(judge.name, n, of))
    return score_rows([judge], labelled, embed, told)[0]


def stage_of(row: Row) -> Stage:
    return "retrieved" if "document" in row.category else "input"


def disguised(
    rows: Sequence[Row],
    disguises: dict[str, Callable[[str], str]],
    embed: Embed,
    show: Show | None = None,
) -> tuple[int, dict[str, float]]:
    """How many attacks the injection head catches in plain, and of those the share that it catches disguised."""
    judge = judge_of("injection")
    threshold = judge.default_threshold(SHARES[0])
    attacks = [r for r in rows if r.label and head_of(r.category) == "injection" and stage_of(r) == "input"]
    plain = [r for r, s in zip(attacks, scores_of(judge, attacks, embed), strict=True) if s >= threshold]
    some = plain[:: max(1, len(plain) // _N_PLAIN)]
    shares = {}
    for n, (name, disguise) in enumerate(disguises.items(), start=1):
        hidden = [Row(disguise(r.text), r.source, r.category, True) for r in some]
        caught = sum(s >= threshold for s in scores_of(judge, hidden, embed))
        shares[name] = caught / len(some) if some else 0.0
        if show is not None:
            show(name, n, len(disguises))
    return len(some), shares


def grouped(names: Sequence[str]) -> list[tuple[str, NDArray[np.bool_]]]:
    """Each name with the rows that have it."""
    import numpy as np

    every = np.array(names)
    return [(str(name), every == name) for name in sorted(set(names))]
