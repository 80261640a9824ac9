"""Refine a learned policy with new outcomes, in seconds: everything that has a closed form is solved anew."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.base.errors import BadRequest
from stepwell.evals.tune.crossfit import split
from stepwell.evals.tune.examples import LearnOptions
from stepwell.evals.tune.fitted import Grown, fit_all, memory_places
from stepwell.evals.tune.kept import inputs_of
from stepwell.evals.tune.kinds import examples_of
from stepwell.evals.tune.known import fit_novelty
from stepwell.evals.tune.learn import data_sha256
from stepwell.evals.tune.lengths import fit_lengths
from stepwell.router.learned.bundle import Bundle, Known

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.evals.tune.lesson import Lesson
    from stepwell.evals.tune.rows import Outcomes

    Matrix = NDArray[np.float32]


def refine(
    bundle: Bundle,
    lesson: Lesson,
    outcomes: Outcomes,
    vectors: Matrix | None = None,
    *,
    options: LearnOptions | None = None,
) -> tuple[Bundle, Lesson]:
    """Add outcomes to what a policy knows.

    Kernel, words, kinds, neighbours, novelty and lengths learn from old rows and new. Forests, the scale of traits,
    the choice of penalties, the mix of heads and calibration stay until the next `learn`. So does the price, but not
    the promise: it has not been tested on the new rows, and the card says so.

    Args:
        vectors: Of the new prompts, by the policy's embedder; needed where the policy reads vectors.

    Raises:
        BadRequest: Other tiers than the policy's, or vectors are missing.
    """
    known = bundle.model.vectorial
    _check(bundle, outcomes, vectors)
    options, seed = options or LearnOptions(), bundle.card.seed
    fresh = inputs_of(outcomes, vectors if known else None)
    lesson = lesson.with_rows(outcomes, fresh)
    rows, inputs = examples_of(lesson.outcomes, lesson.inputs, seed=seed), lesson.inputs
    grown = Grown(bundle.model.scale, bundle.model.plain.trees, known.trees if known else None)
    fitted = fit_all(rows, options, seed=seed, grown=grown)
    model = replace(bundle.model, means=fitted.means, plain=fitted.plain(lesson.choices))
    memory = np.zeros(0, np.intp)
    if inputs.vectors is not None:
        memory = memory_places(len(rows.scores), options.n_memory, seed)
        both = np.concatenate([inputs.vectors, model.weighted(inputs.traits)], axis=1)
        # texts are gone: the same ask has the same vector
        _, asks = np.unique(inputs.vectors.round(2), axis=0, return_inverse=True)
        folds = split(asks.reshape(-1).astype(np.intp), options.n_folds, seed)
        novelty, _ = fit_novelty(both, rows.kinds, memory, folds, seed=seed)
        model = replace(model, vectorial=fitted.with_vector(lesson.choices), novelty=novelty)
    o = lesson.outcomes
    remembered = Known(tuple(o.ids[i] for i in memory), o.scores[memory].astype(np.float32))
    digest = hashlib.sha256(f"{bundle.card.data_sha256}{data_sha256(outcomes)}".encode()).hexdigest()
    note = f"refined with {len(outcomes)} rows; metrics are those of the tuning before"
    card = msgspec.structs.replace(
        bundle.card,
        n_rows=len(o),
        data_sha256=digest,
        min_quality=None,
        verdict=f"refined with {len(outcomes):,} rows since it was tested; tune again for a promise",
        notes=(*bundle.card.notes, note),
    )
    lengths = fit_lengths(o, inputs, fitted.scale)
    return replace(bundle, card=card, model=model, known=remembered, lengths=lengths), lesson


def _check(bundle: Bundle, outcomes: Outcomes, vectors: Matrix | None) -> None:
    if outcomes.tiers != bundle.card.tiers:
        raise BadRequest(
            f"The policy knows {', '.join(bundle.card.tiers)}; the rows have {', '.join(outcomes.tiers)}.",
            param="tiers",
        )
    if bundle.model.vectorial is not None and (vectors is None or len(vectors) != len(outcomes)):
        raise BadRequest("The policy reads vectors: one for each new row is needed.")
