"""Learn a routing policy from outcomes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from stepwell.base.errors import BadRequest
from stepwell.evals.tune.alike import alike
from stepwell.evals.tune.calibrate import calibration_error, reliability
from stepwell.evals.tune.crossfit import crossfit
from stepwell.evals.tune.examples import LearnOptions
from stepwell.evals.tune.fitted import fit_all, memory_places
from stepwell.evals.tune.kept import inputs_of
from stepwell.evals.tune.kinds import examples_of
from stepwell.evals.tune.known import fit_novelty
from stepwell.evals.tune.lengths import fit_lengths
from stepwell.evals.tune.lesson import Lesson
from stepwell.evals.tune.stack import fit_top
from stepwell.router.learned.bundle import Bundle, Card, Known
from stepwell.router.learned.model import Model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.evals.tune.rows import Outcomes

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]
    Places = NDArray[np.intp]

MIN_ROWS = 20


@dataclass(frozen=True, slots=True)
class Learnt:
    """A policy, and what it would have said of every row without having seen it.

    Attributes:
        p_ok: Out of fold, mix, calibration and novelty fade included, shape (n, k).
        plain_p_ok: The same without an embedding.
        folds: The rows of one fold share their model, shape (n,).
        novelty: Rank among known traffic, shape (n,); 0 without vectors.
        lesson: What `refine` needs.
    """

    bundle: Bundle
    p_ok: Floats
    plain_p_ok: Floats
    folds: Places
    novelty: Floats
    lesson: Lesson


def learn(
    outcomes: Outcomes,
    vectors: Matrix | None = None,
    *,
    embedder: str = "",
    seed: int = 0,
    options: LearnOptions | None = None,
    licence: str = "",
    command: str = "",
) -> Learnt:
    """Learn p_ok per tier from `outcomes`; same rows and seed, same policy.

    Args:
        vectors: L2-normalised embeddings of the prompts, shape (n, dim), by `embedder`; None: words and traits alone.

    Raises:
        BadRequest: Fewer than 20 rows, fewer different asks than folds, or a tier without a score.
    """
    _check(outcomes, vectors)
    asks = alike(outcomes, vectors)
    options = options or LearnOptions()
    if asks.max() + 1 < options.n_folds:
        raise BadRequest(f"{asks.max() + 1} different asks are too few to learn from.")
    inputs = inputs_of(outcomes, vectors)
    rows = examples_of(outcomes, inputs, seed=seed)
    crossed = crossfit(rows, options, asks, seed=seed)
    scores, filled = outcomes.scores, rows.scores
    plain_top = fit_top(crossed.listed(with_vectors=False), crossed.means, scores, filled, crossed.folds)
    fitted = fit_all(rows, options, seed=seed)
    means, p_ok = crossed.means, plain_top.p_ok
    model = Model(fitted.means, fitted.scale, fitted.plain(crossed.choices), plain_top.mix, plain_top.curves)
    memory, ranks = np.zeros(0, np.intp), np.zeros(len(outcomes), np.float32)
    if inputs.vectors is not None:
        memory = memory_places(len(outcomes), options.n_memory, seed)
        top = fit_top(crossed.listed(with_vectors=True), means, scores, filled, crossed.folds)
        novelty, odds = fit_novelty(
            np.concatenate([inputs.vectors, model.weighted(inputs.traits)], axis=1),
            rows.kinds,
            memory,
            crossed.folds,
            seed=seed,
        )
        ranks, trust = novelty.rank(odds), novelty.trust(odds)
        model = replace(
            model,
            vectorial=fitted.with_vector(crossed.choices),
            mix=top.mix,
            curves=top.curves,
            novelty=novelty,
        )
        p_ok = means + trust[:, None] * (top.p_ok - means)
    card = Card(
        tiers=outcomes.tiers,
        embedder=embedder if vectors is not None else "",
        n_rows=len(outcomes),
        seed=seed,
        data_sha256=data_sha256(outcomes),
        metrics=_metrics(outcomes, p_ok, plain_top.p_ok),
        reliability={t: reliability(p_ok[:, j], outcomes.scores[:, j]) for j, t in enumerate(outcomes.tiers)},
        sources=tuple(sorted(set(outcomes.sources) - {""})),
        licence=licence,
        command=command,
    )
    known = Known(tuple(outcomes.ids[i] for i in memory), outcomes.scores[memory].astype(np.float32))
    needs = np.quantile(p_ok[:, -1] - p_ok[:, 0], np.linspace(0, 1, 201)).astype(np.float32)
    bundle = Bundle(card, model, known, needs, fit_lengths(outcomes, inputs, fitted.scale))
    lesson = Lesson.of(outcomes, inputs, crossed.choices)
    return Learnt(bundle, p_ok, plain_top.p_ok, crossed.folds, ranks.astype(np.float64), lesson)


def data_sha256(outcomes: Outcomes) -> str:
    """Of everything that a policy learns from, in the rows' order."""
    digest = hashlib.sha256(
        "\0".join([*outcomes.tiers, *outcomes.ids, *outcomes.prompts]).encode("utf-8", "replace")
    )
    digest.update(np.ascontiguousarray(outcomes.scores).tobytes())
    digest.update(np.ascontiguousarray(outcomes.out_tokens).tobytes())
    return digest.hexdigest()


def _check(outcomes: Outcomes, vectors: Matrix | None) -> None:
    if len(outcomes) < MIN_ROWS:
        raise BadRequest(f"{len(outcomes)} rows are too few to learn from; {MIN_ROWS} are the least.")
    if vectors is not None and len(vectors) != len(outcomes):
        raise BadRequest(f"{len(vectors)} vectors for {len(outcomes)} rows.")
    for tier, column in zip(outcomes.tiers, outcomes.scores.T, strict=True):
        if np.isnan(column).all():
            raise BadRequest(f"No row has a score of tier {tier!r}.", param="scores")


def _metrics(outcomes: Outcomes, p_ok: Floats, plain_p_ok: Floats) -> dict[str, float]:
    from stepwell.evals.tune.measures import apgr, cpt

    found: dict[str, float] = {}
    whole = outcomes.is_complete
    weak, strong = outcomes.scores[whole, 0], outcomes.scores[whole, -1]
    if len(weak) and weak.mean() != strong.mean():
        for name, p in (("", p_ok), ("plain_", plain_p_ok)):
            need = (p[:, -1] - p[:, 0])[whole]
            found[f"{name}apgr"] = apgr(need, weak, strong)
            found[f"{name}cpt80"] = cpt(need, weak, strong, pgr=0.8)
    for j, tier in enumerate(outcomes.tiers):
        found[f"calibration_error.{tier}"] = calibration_error(p_ok[:, j], outcomes.scores[:, j])
    return {name: round(value, 4) for name, value in found.items() if np.isfinite(value)}
