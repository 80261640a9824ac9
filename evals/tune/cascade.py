"""Learn from outcomes when agreeing cheap answers can be accepted."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stepwell.base.errors import BadRequest
from stepwell.evals.tune.fit import fit_trees
from stepwell.evals.tune.rows import Outcomes
from stepwell.router.cascade.accept import AcceptScore, Opinion, pick, read_opinion
from stepwell.router.cascade.compare import kind_of_ask, normalise
from stepwell.router.cascade.learned import LearnedAccept, features, n_signs, scaled
from stepwell.router.features import Ask, read_ask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]

# what answers of each tier said in full, by row id, where somebody kept it
Texts = Mapping[str, Mapping[str, str]]

_CHARS_PER_TOKEN = 4
_MAX_PARSED_CHARS = 200
_OTHERS_DAMPING = 0.5
_INVERSE_PENALTIES = (0.005, 0.05)
_MIN_ROWS = 40
_MIN_SPREAD = 1e-6
_N_TREES, _MIN_LEAF, _MAX_DEPTH = 120, 8, 14


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows whose answers compare, with what every opinion said.

    Attributes:
        at: Places of these rows among the outcomes, shape (n,).
        served: Place of the opinion to serve; -1 where no two agree, shape (n,).
        scores: Of each opinion in order and of the strong tier, shape (n, k + 1).
    """

    cheap: tuple[str, ...]
    strong: str
    at: NDArray[np.intp]
    asks: list[Ask]
    opinions: list[tuple[Opinion, ...]]
    served: NDArray[np.intp]
    scores: Floats

    def __len__(self) -> int:
        return len(self.at)

    @property
    def served_scores(self) -> Floats:
        """Score of what would be served: the first opinion's, where no two agree; shape (n,)."""
        made: Floats = self.scores[np.arange(len(self)), np.maximum(self.served, 0)]
        return made

    def features(self) -> Matrix:
        """Shape (n, d)."""
        return np.stack([features(o, a) for o, a in zip(self.opinions, self.asks, strict=True)])

    def unlabelled_need(self) -> Floats:
        """Need by the rule that takes no labels, shape (n,)."""
        judge = AcceptScore().judge
        return np.array([judge(o, a).need for o, a in zip(self.opinions, self.asks, strict=True)])


def compare_rows(
    outcomes: Outcomes, cheap: Sequence[str], strong: str, *, texts: Texts | None = None
) -> Compared:
    """Read the opinions of every row that all tiers have a score for and whose answers compare.

    Args:
        cheap: The opinions, the cheapest first; two or more.
        texts: Whole answers; without them `answers` counts, which may be parsed already.

    Raises:
        BadRequest: A tier is unknown, fewer than two opinions, or no row has answers that compare.
    """
    places = [_place(outcomes, t) for t in (*cheap, strong)]
    if len(cheap) < 2:
        raise BadRequest("A cascade needs two opinions or more.", param="cheap")
    scores = outcomes.scores[:, places]
    found = [_row(outcomes, i, cheap, texts) for i in map(int, np.flatnonzero(~np.isnan(scores).any(axis=1)))]
    kept = [row for row in found if row is not None]
    if not kept:
        raise BadRequest("No row has answers of these tiers that can be compared.", param="answers")
    at = np.array([i for i, _, _ in kept], dtype=np.intp)
    opinions = [o for _, _, o in kept]
    served = np.array([-1 if (p := pick(o)) is None else p for o in opinions], dtype=np.intp)
    return Compared(tuple(cheap), strong, at, [a for _, a, _ in kept], opinions, served, scores[at])


def fit_accept(rows: Compared, *, seed: int = 0) -> LearnedAccept:
    """Learn an accept score from every row; seconds for thousands of rows.

    Raises:
        BadRequest: Too few rows.
    """
    if len(rows) < _MIN_ROWS:
        raise BadRequest(f"An accept score needs {_MIN_ROWS} rows that compare; there are {len(rows)}.")
    return _fit(rows.features(), rows, np.arange(len(rows)), seed)


def cross_fitted(
    rows: Compared, *, n_folds: int = 5, groups: Sequence[str] | None = None, seed: int = 0
) -> tuple[Matrix, Floats]:
    """What scores say of rows that they were not learnt on.

    Args:
        groups: One name a row: each group is left out whole, in place of random folds.

    Returns:
        p_ok of the first opinion, the served one and the strong tier, shape (n, 3), and need, shape (n,).
    """
    x, n = rows.features(), len(rows)
    if groups is None:
        fold = np.random.default_rng(seed).permutation(n) % n_folds
    else:
        fold = np.unique(np.array(groups), return_inverse=True)[1]
    p_ok, need = np.zeros((n, 3), np.float32), np.zeros(n)
    for k in np.unique(fold):
        learned = _fit(x, rows, np.flatnonzero(fold != k), seed)
        p_ok[fold == k], need[fold == k] = learned.rate_all(x[fold == k])
    return p_ok, need


def _row(
    outcomes: Outcomes, i: int, cheap: Sequence[str], texts: Texts | None
) -> tuple[int, Ask, tuple[Opinion, ...]] | None:
    said = outcomes.answers[i]
    whole = (texts or {}).get(outcomes.ids[i], {})
    if not any(t in said or t in whole for t in cheap):
        return None
    ask = read_ask(outcomes.prompts[i])
    kind = kind_of_ask(ask) or _kind_of_parsed([said[t] for t in cheap if t in said])
    if kind is None:
        return None
    tokens = outcomes.out_tokens[i]
    return i, ask, tuple(
        _opinion(t, kind, said.get(t), whole.get(t), float(tokens[outcomes.tiers.index(t)])) for t in cheap
    )  # fmt: skip


def _opinion(tier: str, kind: str, said: str | None, whole: str | None, n_tokens: float) -> Opinion:
    if whole is None and said is not None and len(said) > _MAX_PARSED_CHARS:
        whole = said
    read = None if whole is None else read_opinion(tier, whole, kind)
    answer = None if said is None else normalise(said, kind)
    if read is not None:
        return read if answer is None else Opinion(tier, answer, read.n_chars, read.style)
    n_chars = len(said or "") if np.isnan(n_tokens) else round(n_tokens * _CHARS_PER_TOKEN)
    return Opinion(tier, answer, n_chars)


def _kind_of_parsed(answers: Sequence[str]) -> str | None:
    """Of answers that somebody has parsed: then they compare, whatever the ask looks like."""
    if not answers or any(len(a) > _MAX_PARSED_CHARS for a in answers):
        return None
    n_numbers = sum(normalise(a, "number") is not None for a in answers)
    if all(len(a) == 1 and a.isalpha() for a in answers):
        return "choice"
    return "number" if 2 * n_numbers > len(answers) else "short"


def _place(outcomes: Outcomes, tier: str) -> int:
    if tier not in outcomes.tiers:
        raise BadRequest(
            f"No row has a score of tier {tier!r}; there are {', '.join(outcomes.tiers)}.", param="tiers"
        )
    return outcomes.tiers.index(tier)


def _fit(x: Matrix, rows: Compared, at: NDArray[np.intp], seed: int) -> LearnedAccept:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a feature that no row knows
        mean, spread = np.nanmean(x[at], axis=0), np.nanstd(x[at], axis=0)
    mean = np.nan_to_num(mean).astype(np.float32)
    spread = np.where(np.nan_to_num(spread) < _MIN_SPREAD, 0, np.nan_to_num(spread)).astype(np.float32)
    damping = np.full(x.shape[1], _OTHERS_DAMPING, np.float32)
    damping[: n_signs(len(rows.cheap))] = 1
    z = scaled(x[at], mean, spread)
    first, strong = rows.scores[at, 0], rows.scores[at, -1]
    agreed = rows.served[at] >= 0
    heads = [
        _logistic(z * damping, first, seed),
        _logistic((z * damping)[agreed], rows.served_scores[at][agreed], seed)
        if agreed.sum() >= _MIN_ROWS
        else _logistic(z * damping, first, seed),
        _logistic(z * damping, strong, seed),
    ]
    return LearnedAccept(
        tiers=rows.cheap,
        mean=mean,
        spread=spread,
        damping=damping,
        weights=np.column_stack([w for w, _ in heads]).astype(np.float32),
        bias=np.array([b for _, b in heads], np.float32),
        trees=fit_trees(
            z,
            np.column_stack([first, strong]),
            n_trees=_N_TREES,
            min_leaf=_MIN_LEAF,
            max_depth=_MAX_DEPTH,
            seed=seed,
        ),
    )


def _logistic(z: Matrix, score: Floats, seed: int) -> tuple[Floats, float]:
    """Weights and bias; the penalty is the one of two with the lower loss on rows left out."""
    share = float(score.mean())
    if min(share, 1 - share) * len(score) < 5:
        odds = float(np.clip(share, 0.01, 0.99))
        return np.zeros(z.shape[1]), float(np.log(odds / (1 - odds)))
    fold = np.random.default_rng(seed).permutation(len(z)) % 4
    losses = [
        sum(
            _loss(z[fold == k], score[fold == k], _solved(z[fold != k], score[fold != k], c))
            for k in range(4)
        )
        for c in _INVERSE_PENALTIES
    ]
    return _solved(z, score, _INVERSE_PENALTIES[int(np.argmin(losses))])


def _solved(z: Matrix, score: Floats, inverse_penalty: float) -> tuple[Floats, float]:
    from sklearn.linear_model import LogisticRegression

    # a score between 0 and 1 counts as so much of a right and so much of a wrong answer
    rows, labels = np.concatenate([z, z]), np.repeat([1, 0], len(z))
    weight = np.concatenate([score, 1 - score])
    used = weight > 0
    made = LogisticRegression(C=inverse_penalty, max_iter=500)
    made.fit(rows[used], labels[used], sample_weight=weight[used])
    return made.coef_[0], float(made.intercept_[0])


def _loss(z: Matrix, score: Floats, head: tuple[Floats, float]) -> float:
    log_odds = z @ head[0] + head[1]
    return float((np.logaddexp(0, log_odds) - score * log_odds).sum())
