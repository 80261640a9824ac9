"""What a request's neighbours say about each answer that could be served."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stepwell.memory.store import Record

MAX_NEAR = 8
_MAX_CANDIDATES = 3
_SHARPNESS = 20.0  # of the votes: a neighbour .05 further counts e times less
_MAX_LOG_ODDS = 8.0
_MAX_MARGIN = 0.3

FEATURES = (
    "similarity",
    "similarity_by_vote",
    "margin",
    "vote",
    "share",
    "mean_similarity",
    "log_size",
    "record",
    "log_odds",
    "has_log_odds",
    "rival_log_odds",
)


@dataclass(frozen=True, slots=True)
class Near:
    """One neighbour of a request.

    Attributes:
        answer_id: The entry that its row leads to: its answer group.
        similarity: Cosine.
        log_odds: The verifier's, that this neighbour's answer would do; None where it was not asked.
    """

    answer_id: str
    similarity: float
    log_odds: float | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer group among the neighbours, described for the model: `features` has one number for each FEATURES."""

    answer_id: str
    similarity: float
    features: tuple[float, ...]


def features(
    near: Sequence[Near], records: Mapping[str, Record], sizes: Mapping[str, int]
) -> list[Candidate]:
    """Describe the answers worth serving, the one with most votes first; at most three.

    Args:
        near: Nearest first; those after the eighth are not looked at.
        records: Verdicts on groups; none yet where one is missing.
        sizes: Rows in each group; 1 where one is missing.
    """
    near = near[:MAX_NEAR]
    if not near:
        return []
    groups: dict[str, list[Near]] = {}
    for one in near:
        groups.setdefault(one.answer_id, []).append(one)
    votes = {g: sum(_weight(m, near[0]) for m in members) for g, members in groups.items()}
    total = sum(votes.values())
    best = sorted(groups, key=votes.__getitem__, reverse=True)[:_MAX_CANDIDATES]
    return [
        Candidate(
            g,
            groups[g][0].similarity,
            _describe(near, groups[g], votes[g] / total, records.get(g, _UNKNOWN), sizes.get(g, 1)),
        )
        for g in best
    ]


_UNKNOWN = Record()


def _weight(one: Near, nearest: Near) -> float:
    return math.exp(_SHARPNESS * (one.similarity - nearest.similarity))


def _describe(
    near: Sequence[Near], members: Sequence[Near], vote: float, record: Record, size: int
) -> tuple[float, ...]:
    mine, similarity = members[0].answer_id, members[0].similarity
    other = next((m.similarity for m in near if m.answer_id != mine), similarity - _MAX_MARGIN)
    log_odds = max((m.log_odds for m in members if m.log_odds is not None), default=None)
    rival = max((m.log_odds for m in near if m.log_odds is not None and m.answer_id != mine), default=0.0)
    alike = (similarity - 0.75) / 0.15
    return (
        alike,
        alike * (vote - 0.5) / 0.3,
        max(-3.0, min(3.0, (similarity - other) / 0.1)),
        math.log((vote + 0.02) / (1.02 - vote)) / 2,
        (len(members) / MAX_NEAR - 0.5) / 0.3,
        (sum(m.similarity for m in members) / len(members) - 0.7) / 0.15,
        math.log1p(size) - 1,
        math.log((record.n_right + 1) / (record.n_wrong + 0.5)),
        0.0 if log_odds is None else _clipped(log_odds) / 3,
        0.0 if log_odds is None else 1.0,
        _clipped(rival) / 3,
    )


def _clipped(log_odds: float) -> float:
    return max(-_MAX_LOG_ODDS, min(_MAX_LOG_ODDS, log_odds))
