"""Does a tier know when it is right? Its own log-probabilities beside a router that sees only the question.

Measure this before `routing.confidence` is turned on: the signal needs a model that is good enough (BIG-Bench-Hard: a
0.5B coder .70 on tasks left out, a 135M model .49).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from stepwell.base.errors import ConfigError
from stepwell.evals.auroc import Auroc, auroc, difference, intervals
from stepwell.evals.confidence import Told
from stepwell.evals.suite import Suite
from stepwell.router.cascade.confidence import Calibration

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    # texts in, vectors out, shape (n, dim)
    Embed = Callable[[Sequence[str]], NDArray[np.float32]]

SMALLEST, FIRST, MEAN = "smallest log-probability", "first token's", "mean"
IN_DOMAIN, LEFT_OUT = "question only, in-domain", "question only, kind left out"
N_FOLDS = 5


class Kind(msgspec.Struct, frozen=True):
    """One kind of question (a row's first tag). `question` is the router that never saw the kind."""

    name: str
    n_rows: int
    quality: float
    smallest: float
    question: float


class ConfidenceReport(msgspec.Struct, frozen=True):
    """What a tier's confidence is worth on a suite.

    Attributes:
        quality: Share of right answers.
        over_all, within: AUROC by signal; within: of pairs of one kind alone.
        gain: Of the smallest log-probability over the question-only router on kinds left out, paired.
        calibration: For a policy's card (`router.learned.bundle.add_confidence`); None where the signal can't be told
            from chance, over all or within kinds: don't trust it.
        calibration_error: Of p_ok, cross-fitted: mean distance to the share of right answers, in ten bins.
    """

    suite: str
    tier: str
    n_rows: int
    n_errors: int
    quality: float
    over_all: dict[str, Auroc]
    within: dict[str, Auroc]
    gain: Auroc
    kinds: tuple[Kind, ...]
    calibration: Calibration | None
    calibration_error: float


def report(
    suite: Suite, told: Iterable[Told], *, tier: str, embed: Embed, n_resamples: int = 1000, seed: int = 0
) -> ConfidenceReport:
    """Weigh the signal against a question-only router: logistic regression on `embed`'s vectors.

    Needs scikit-learn (the extra "tune"). A score of at least a half counts as right.

    Raises:
        ConfigError: Fewer than ten rows of both outcomes have log-probabilities.
    """
    told = list(told)
    rows = {row.id: row for row in suite.rows}
    known = [t for t in told if t.smallest is not None and t.score is not None and t.row in rows]
    right = np.array([(t.score or 0.0) >= 0.5 for t in known], dtype=np.bool_)
    if min(int(right.sum()), int((~right).sum())) < 10:
        raise ConfigError(
            f"{len(known)} rows with log-probabilities, {int(right.sum())} right: too few to tell"
        )
    names = [(rows[t.row].tags or ("all",))[0] for t in known]
    kinds = list(dict.fromkeys(names))
    group = np.array([kinds.index(name) for name in names], dtype=np.int64)
    vectors = np.asarray(embed([_text(rows[t.row].messages) for t in known]), dtype=np.float64)
    scores = {
        SMALLEST: _floats(t.smallest for t in known),
        FIRST: _floats(t.first for t in known),
        MEAN: _floats(t.mean for t in known),
        IN_DOMAIN: _crossed(vectors, right, _folds(len(known), seed)),
        LEFT_OUT: _crossed(vectors, right, group),
    }
    found = intervals(scores, right, group, n_resamples=n_resamples, seed=seed)
    smallest = scores[SMALLEST]
    over_all, within = found[SMALLEST]
    # what only tells kinds apart, the question tells as well
    is_told = over_all.low > 0.5 and within.value > 0.5
    return ConfidenceReport(
        suite.name,
        tier,
        len(known),
        sum(t.error is not None for t in told),
        float(right.mean()),
        {name: both[0] for name, both in found.items()},
        {name: both[1] for name, both in found.items()},
        difference(smallest, scores[LEFT_OUT], right, n_resamples=n_resamples, seed=seed),
        tuple(_kind(name, group == k, right, smallest, scores[LEFT_OUT]) for k, name in enumerate(kinds)),
        platt(smallest, right) if is_told else None,
        _calibration_error(smallest, right, _folds(len(known), seed)),
    )


def platt(smallest: Floats, right: Bools) -> Calibration:
    """The logistic curve from the smallest log-probability to the share of right answers (Platt 1999)."""
    model = _logistic(1e6).fit(smallest[:, None], right)
    return Calibration(float(model.coef_[0, 0]), float(model.intercept_[0]))


def table(made: ConfidenceReport) -> list[tuple[str, ...]]:
    """One row a signal; the first is the heading."""
    heading = ("signal", "AUROC", "95 %", "within kinds", "95 %")
    return [
        heading,
        *((name, *_cells(made.over_all[name]), *_cells(made.within[name])) for name in made.over_all),
    ]


def kind_table(made: ConfidenceReport) -> list[tuple[str, ...]]:
    """One row a kind of question; the first is the heading."""
    heading = ("kind", "rows", "right", SMALLEST, LEFT_OUT)
    return [
        heading,
        *(
            (k.name, str(k.n_rows), f"{k.quality:.2f}", _cell(k.smallest), _cell(k.question))
            for k in made.kinds
        ),
    ]


def _kind(name: str, here: Bools, right: Bools, smallest: Floats, question: Floats) -> Kind:
    return Kind(
        name,
        int(here.sum()),
        float(right[here].mean()),
        auroc(smallest[here], right[here]),
        auroc(question[here], right[here]),
    )


def _crossed(vectors: Floats, right: Bools, fold: NDArray[np.int64]) -> Floats:
    """For each row the probability by a model that saw no row of its fold."""
    p = np.full(len(right), float(right.mean()))
    for k in np.unique(fold):
        test = fold == k
        if 0 < right[~test].sum() < (~test).sum():
            p[test] = _logistic(1.0).fit(vectors[~test], right[~test]).predict_proba(vectors[test])[:, 1]
    return p


def _calibration_error(smallest: Floats, right: Bools, fold: NDArray[np.int64]) -> float:
    p = np.empty(len(right))
    for k in np.unique(fold):
        test = fold == k
        model = platt(smallest[~test], right[~test])
        p[test] = 1 / (1 + np.exp(-(model.a * smallest[test] + model.b)))
    bins = np.array_split(np.argsort(p, kind="stable"), 10)
    return float(sum(len(b) * abs(p[b].mean() - right[b].mean()) for b in bins if len(b)) / len(p))


def _folds(n: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(np.arange(n, dtype=np.int64) % N_FOLDS)


def _logistic(c: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=c, max_iter=2000)


def _text(messages: Sequence[dict[str, Any]]) -> str:
    texts = [m["content"] for m in messages if m.get("role") == "user" and isinstance(m.get("content"), str)]
    return str(texts[-1]) if texts else ""


def _floats(values: Iterable[float | None]) -> Floats:
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def _cells(a: Auroc) -> tuple[str, str]:
    return _cell(a.value), f"{_cell(a.low)} to {_cell(a.high)}"


def _cell(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"
