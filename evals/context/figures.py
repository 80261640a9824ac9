"""What packing kept, over all questions: shares with intervals, by kind, and what was expected beside it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from stepwell.evals.context.survive import Kept

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_N_SAMPLES = 1000
_N_BINS = 5


class Case(msgspec.Struct, frozen=True):
    """One question packed by one method within one budget.

    Attributes:
        is_over: The text was over its budget; `kept` is then zero.
        expected_recall: By the packer's own estimate, None where it has none.
    """

    method: str
    budget_tokens: int
    talk_id: str
    kind: str
    kept: Kept
    is_over: bool
    expected_recall: float | None = None


class Figure(msgspec.Struct, frozen=True):
    """A share with its 95 % interval, by bootstrap over conversations and, within them, questions."""

    value: float
    low: float
    high: float
    n: int


class Bin(msgspec.Struct, frozen=True):
    """Questions of about the same expected recall."""

    expected: float
    actual: float
    n: int


class Line(msgspec.Struct, frozen=True):
    """One method within one budget.

    Attributes:
        answers: None where no answer stands literally in few enough turns.
        by_kind: Evidence recall, all evidence and number of questions of each kind.
        calibration: By rising expectation; empty where nothing is expected.
    """

    method: str
    budget_tokens: int
    recall: Figure
    all_evidence: Figure
    answers: Figure | None
    n_over: int
    by_kind: dict[str, tuple[float, float, int]]
    calibration: tuple[Bin, ...] = ()


def summarise(cases: Sequence[Case]) -> Line:
    """The figures of one method and budget; there must be a case."""
    asked = [case for case in cases if case.kept.has_answer is not None]
    kinds = sorted({case.kind for case in cases})
    return Line(
        cases[0].method,
        cases[0].budget_tokens,
        _figure(cases, [case.kept.recall for case in cases]),
        _figure(cases, [float(case.kept.has_all) for case in cases]),
        _figure(asked, [float(case.kept.has_answer or False) for case in asked]) if asked else None,
        sum(case.is_over for case in cases),
        {kind: _of_kind([case for case in cases if case.kind == kind]) for kind in kinds},
        _calibration(cases),
    )


def _of_kind(cases: Sequence[Case]) -> tuple[float, float, int]:
    n = len(cases)
    return sum(c.kept.recall for c in cases) / n, sum(c.kept.has_all for c in cases) / n, n


def _figure(cases: Sequence[Case], values: Sequence[float]) -> Figure:
    import numpy as np

    given = np.array(values)
    means = _weights([case.talk_id for case in cases]) @ given
    low, high = np.quantile(means, (0.025, 0.975))
    return Figure(float(given.mean()), float(low), float(high), len(values))


def _weights(talk_ids: Sequence[str]) -> NDArray[np.float64]:
    """Each resample's weight of each case, shape (samples, cases): conversations are drawn, then their questions."""
    import numpy as np

    draw = np.random.default_rng(0)
    groups = [np.flatnonzero(np.array(talk_ids) == talk) for talk in dict.fromkeys(talk_ids)]
    weights = np.zeros((_N_SAMPLES, len(talk_ids)))
    for row in weights:
        for g in draw.integers(len(groups), size=len(groups)):
            np.add.at(row, draw.choice(groups[g], len(groups[g])), 1)
        row /= row.sum()
    return weights


def _calibration(cases: Sequence[Case]) -> tuple[Bin, ...]:
    told = sorted((c.expected_recall, c.kept.recall) for c in cases if c.expected_recall is not None)
    n = len(told)
    edges = [n * k // _N_BINS for k in range(_N_BINS + 1)]
    parts = [told[a:b] for a, b in pairwise(edges) if b > a]
    return tuple(
        Bin(sum(e for e, _ in part) / len(part), sum(a for _, a in part) / len(part), len(part))
        for part in parts
    )
