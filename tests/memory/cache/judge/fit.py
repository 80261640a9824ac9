"""Fits the weights in memory/cache/judge/prose.py and prints them: `python tests/memory/cache/judge/fit.py`.

Also prints how the verdicts do on questions that were not fitted on.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

from stepwell.base.minilm import MiniLM
from stepwell.memory.cache.judge.case import Case
from stepwell.memory.cache.judge.compare import Pair, decide, is_prose
from stepwell.memory.cache.judge.prose import EMBED_CHARS, MIN_LOG_ODDS, by_cosines, by_words

sys.path.insert(0, str(Path(__file__).parent))

from pairs import groups  # type: ignore[import-not-found]

N_COSINES = 3


def main() -> None:
    model = MiniLM()
    made: dict[str, Any] = {}

    def vector(text: str) -> Any:
        text = text[:EMBED_CHARS]
        if text not in made:
            made[text] = model.embed([text])[0]
        return made[text]

    def row(case: Case) -> tuple[float, ...]:
        pair = Pair(case)
        words = by_words(pair.query, pair.fresh, pair.cached)
        return words + by_cosines(vector(case.query), vector(case.fresh), vector(case.cached))

    cases = [(i, case, same) for i, g in enumerate(groups()) for case, same in g.cases()]
    rows = np.array([row(case) for _, case, _ in cases])
    is_same = np.array([same for *_, same in cases])
    by_form = [decide(Pair(case)) for _, case, _ in cases]
    prose = np.array([v is None and is_prose(Pair(c)) for v, (_, c, _) in zip(by_form, cases, strict=True)])
    formed = np.array([0 if v is None else 99 if v else -99 for v in by_form])
    question = np.array([i for i, *_ in cases])
    for name, columns in (("words", slice(-N_COSINES)), ("with cosines", slice(None))):
        x = rows[:, columns]
        odds = np.zeros(len(x))
        for fitted, apart in GroupKFold(8).split(x, is_same, question):
            weights = fit(x[fitted], is_same[fitted])
            odds[apart] = x[apart] @ weights[:-1] + weights[-1]
        report(name, np.where(prose, odds, formed), is_same)
        print(tuple(round(float(w), 2) for w in fit(x, is_same)))


def fit(x: Any, is_same: Any) -> Any:
    """Weights and intercept, on features as they are."""
    scale = StandardScaler().fit(x)
    model = LogisticRegression(C=0.1, class_weight="balanced").fit(scale.transform(x), is_same)
    weights = model.coef_[0] / scale.scale_
    return np.append(weights, model.intercept_[0] - weights @ scale.mean_)


def report(name: str, odds: Any, is_same: Any) -> None:
    said = np.where(odds >= MIN_LOG_ODDS, 1, np.where(odds <= -MIN_LOG_ODDS, 0, -1))
    right = [(said[is_same == s] == s).mean() for s in (True, False)]
    wrong = [(said[is_same == s] == (not s)).mean() for s in (True, False)]
    print(
        f"{name}: same {right[0]:.2f} right, {wrong[0]:.3f} wrong; different {right[1]:.2f} right, {wrong[1]:.3f} "
        f"wrong; as many of each: {sum(wrong) / sum(right + wrong):.3f} of verdicts wrong, "
        f"{1 - sum(right + wrong) / 2:.2f} none"
    )


if __name__ == "__main__":
    main()
