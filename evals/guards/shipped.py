"""Put the shipped injection heads together: learned from every row whose licence allows it, scaled out of source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from stepwell.evals.guards.heads import PLAIN, careful_cuts, honest_out_of_source, may_learn
from stepwell.evals.guards.planted import Plain, learn_planted, planted_scores
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
from stepwell.evals.guards.scaling import careful, platt, scaled, thresholds
from stepwell.guards.learned.head import Head, Scale

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = Mapping[str, NDArray[np.float64]]

_PROJECTS = ("garak", "deepset")
_N_SPLITS = 2
_N_EDGE_CHARS = 40


def prompt_head(rows: Sequence[Row], embed: Embed) -> tuple[Head, Mapping[str, int]]:
    """The head for prompts, and how many rows of each source it learned from."""
    kept = [r for r in rows if may_learn(r) and is_prompt_row(r)]
    honest, attacks = honest_out_of_source(kept, embed), _attacks_out_of_project(kept, embed)
    parts = learn_prompts(kept, embed)
    head = _head(parts, attacks, {s: v for s, v in honest.items() if s != PLAIN}, None)
    return replace(head, within=_within(head, honest)), _sizes(kept)


def scaled_within(head: Head, rows: Sequence[Row], embed: Embed) -> Head:
    """The prompt head with its scale for pieces set anew; what it learned stays.

    Args:
        rows: Those it learned from.
    """
    kept = [r for r in rows if may_learn(r) and is_prompt_row(r)]
    return replace(head, within=_within(head, honest_out_of_source(kept, embed)))


def _within(head: Head, honest: Scores) -> Scale:
    """So that each budget's careful threshold for pieces is the one for whole texts."""
    mix, cuts = head.alone[0], careful_cuts(honest)[2]
    corners = sorted((mix.bias + mix.grams * cuts[b], t) for b, t in head.thresholds.items())
    return Scale(tuple(round(x, 5) for x, _ in corners), tuple(round(y, 6) for _, y in corners))


def document_head(
    rows: Sequence[Row], plain: Plain, embed: Embed, wanted: Mapping[float, float]
) -> tuple[Head, Mapping[str, int]]:
    """The head for documents; its careful thresholds are those of the prompt head, `wanted`."""
    kept = [r for r in rows if may_learn(r)]
    attacks, honest = _documents_out_of_fold(kept, plain, embed)
    parts = learn_planted(kept, plain, embed)
    return _head(parts, attacks, honest, wanted), _sizes(kept)


def _head(parts: Parts, attacks: Scores, honest: Scores, wanted: Mapping[float, float] | None) -> Head:
    ways = []
    for column, shares in ((1, parts.shares), (0, (1.0, 0.0))):
        known = {s: v[:, column] for s, v in honest.items()}
        slope, bias = platt({s: v[:, column] for s, v in attacks.items()}, known)
        least = careful(known)
        wanted = wanted or thresholds(least, slope, bias)
        ways.append(scaled(shares, slope, bias, least, wanted))
    return Head(parts.grams, ways[1], parts.vector, ways[0], dict(wanted or {}))


def _attacks_out_of_project(kept: Sequence[Row], embed: Embed) -> dict[str, NDArray[np.float64]]:
    found = {}
    for project in _PROJECTS:
        rest = [r for r in kept if not (r.label and r.source.startswith(project))]
        attacks = [r.text for r in kept if r.source.startswith(project) and r.category in ATTACKS]
        found[project] = prompt_scores(learn_prompts(rest, embed), attacks, embed)
    return found


def _documents_out_of_fold(
    kept: Sequence[Row], plain: Plain, embed: Embed
) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
    """Scores of poisoned and honest documents by heads that saw neither: public ones by project, own ones by halves."""
    import numpy as np

    split_of = _splits([r for r in kept if r.source == "own_w2"])
    public = [r for r in kept if r.category in (IN_DOCUMENTS, "benign_document")]
    folds = [("bipia", public)]
    folds += [("own_w2", [r for r in kept if split_of.get(r.text) == n]) for n in range(_N_SPLITS)]
    attacks: dict[str, list[NDArray[np.float64]]] = {}
    honest: dict[str, list[NDArray[np.float64]]] = {}
    for name, out in folds:
        texts = {r.text for r in out}
        parts = learn_planted([r for r in kept if r.text not in texts], plain, embed)
        for label, into in ((True, attacks), (False, honest)):
            scores = planted_scores(parts, [r.text for r in out if r.label == label], embed)
            into.setdefault(name, []).append(scores)
    return (
        {name: np.concatenate(scores) for name, scores in attacks.items()},
        {name: np.concatenate(scores) for name, scores in honest.items()},
    )


def _splits(documents: Sequence[Row]) -> dict[str, int]:
    """Text -> its part; a document and its poisoned copies, which share its beginning or its end, stay together."""
    part_of: dict[str, int] = {}
    edges: dict[str, int] = {}
    for i, row in enumerate(r for r in documents if not r.label):
        part_of[row.text] = edges[row.text[:_N_EDGE_CHARS]] = edges[row.text[-_N_EDGE_CHARS:]] = i % _N_SPLITS
    for row in documents:
        if row.label:
            ends = (row.text[:_N_EDGE_CHARS], row.text[-_N_EDGE_CHARS:])
            part_of[row.text] = next((edges[e] for e in ends if e in edges), 0)
    return part_of


def _sizes(rows: Sequence[Row]) -> dict[str, int]:
    return {s: sum(r.source == s for r in rows) for s in sorted({r.source for r in rows})}
