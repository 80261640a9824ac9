"""What a study can tune: the policy that `tune` learns, or one kernel ridge that takes a tenth of the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from stepwell.evals.tune.folds import even_folds
from stepwell.router.features import read_ask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.evals.tune.rows import Outcomes
    from stepwell.evals.tune.study import Predict, Ranker

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]
    Places = NDArray[np.intp]

# measured on MMLU with 1,000 labels: .04 a row gives APGR .632, .15 .652, .6 .662, 1.2 .662
# A row's share of the penalty stays the same with fewer rows: else models of some folds say less than the model of
# all rows, and a price that was tested on theirs sends too much to the cheap tier (broken promises: 9 % for 5 %).
_PENALTY = 0.8
_VECTOR_WEIGHT, _TRAIT_WEIGHT, _TRAIT_CLIP = 16.0, 0.09, 5.0
_N_FOLDS = 10


def learned_ranker(outcomes: Outcomes, vectors: Matrix | None, *, seed: int = 0) -> Ranker:
    """The policy that `tune` learns, with what it says of its own rows out of fold."""
    from stepwell.evals.tune.learn import learn
    from stepwell.router.learned.inputs import read_inputs

    inputs = read_inputs(map(read_ask, outcomes.prompts), vectors)

    def rank(places: Places, scores: Floats) -> tuple[Floats, Predict]:
        rows = replace(outcomes.take(places), scores=scores)
        learnt = learn(rows, None if vectors is None else vectors[places], seed=seed)

        def predict(others: Places) -> Floats:
            return learnt.bundle.model.read(inputs.take(others)).p_ok.astype(np.float64)

        return learnt.p_ok, predict

    return rank


def quick_ranker(outcomes: Outcomes, vectors: Matrix | None, *, seed: int = 0) -> Ranker:
    """Ridge on embedding and traits in closed form, cross-fitted over folds with the same scores in each."""
    from stepwell.router.traits import traits

    read = np.stack([traits(read_ask(p)) for p in outcomes.prompts]).astype(np.float64)
    table = None if vectors is None else vectors.astype(np.float64)

    def kernel(left: Places, right: Places, known: Places) -> Floats:
        mean, spread = read[known].mean(axis=0), read[known].std(axis=0) + 1e-9
        a, b = (np.clip((read[p] - mean) / spread, -_TRAIT_CLIP, _TRAIT_CLIP) for p in (left, right))
        made: Floats = _TRAIT_WEIGHT * (a @ b.T)
        return made if table is None else made + _VECTOR_WEIGHT * (table[left] @ table[right].T)

    def rank(places: Places, scores: Floats) -> tuple[Floats, Predict]:
        gram = kernel(places, places, places)
        p_ok = np.empty_like(scores)
        folds = even_folds(scores, _N_FOLDS, seed=seed)
        for fold in range(_N_FOLDS):
            held, rest = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
            p_ok[held] = _ridge(gram[np.ix_(rest, rest)], scores[rest])(gram[np.ix_(held, rest)])
        whole = _ridge(gram, scores)
        return p_ok, lambda others: whole(kernel(others, places, places))

    return rank


def _ridge(gram: Floats, scores: Floats) -> Callable[[Floats], Floats]:
    """Kernel ridge around the mean: predictions for rows given by their kernel with the known ones."""
    means = gram.mean(axis=0)
    centred = gram - means - means[:, None] + means.mean()
    level = scores.mean(axis=0)
    weights = np.linalg.solve(centred + _PENALTY * len(gram) * np.eye(len(gram)), scores - level)
    weights -= weights.mean(axis=0)
    offset = level - means @ weights

    def predict(rows: Floats) -> Floats:
        said: Floats = rows @ weights + offset
        return said

    return predict
