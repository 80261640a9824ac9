"""Rows that ask the same thing: they are held out together, and count once in a promise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from stepwell.evals.tune.kept import inputs_of

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

    from stepwell.evals.tune.rows import Outcomes

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]
    Places = NDArray[np.intp]

_SAME_VECTOR = 0.999


def alike(outcomes: Outcomes, vectors: Matrix | None = None) -> Places:
    """Numbers, 0 first, of the distinct asks in order of appearance; one for each row, shape (n,).

    Same are prompts that differ in case and white space only. Where no text was kept traits and vector must be the
    same, and a text counts as the same where no other text has these traits.
    """
    keys: list[Hashable] = [" ".join(prompt.casefold().split()) for prompt in outcomes.prompts]
    if outcomes.kept:
        _name_kept(keys, outcomes, vectors)
    number_of: dict[Hashable, int] = {}
    return np.array([number_of.setdefault(key, len(number_of)) for key in keys], dtype=np.intp)


def merged(outcomes: Outcomes, vectors: Matrix | None = None) -> tuple[Outcomes, Matrix | None]:
    """One row for each distinct ask, with the means of what is known of it; and its vectors.

    Labels of one ask depend on each other: a bound that counts each of them is too tight. Rows without text and
    vector are merged only where their ids are the same, too.
    """
    asks = alike(outcomes, vectors)
    groups: dict[Hashable, list[int]] = {}
    for i, ask in enumerate(asks.tolist()):
        is_vague = i in outcomes.kept and vectors is None
        groups.setdefault((ask, outcomes.ids[i] if is_vague else None), []).append(i)
    if len(groups) == len(outcomes):
        return outcomes, vectors
    places = list(groups.values())
    # a row with its text says more than one without
    first = [min(of, key=lambda i: (i in outcomes.kept, i)) for of in places]
    made = replace(
        outcomes.take(first),
        scores=_means(outcomes.scores, places),
        out_tokens=_means(outcomes.out_tokens, places),
        cost_usd=_means(outcomes.cost_usd, places),
        answers=[{t: a for i in reversed(of) for t, a in outcomes.answers[i].items()} for of in places],
    )
    return made, None if vectors is None else vectors[np.array(first)]


def _name_kept(keys: list[Hashable], outcomes: Outcomes, vectors: Matrix | None) -> None:
    """Name rows without text by traits and vector, or by the only text with these traits."""
    traits = [row.tobytes() for row in inputs_of(outcomes).traits.round(4)]
    texts: dict[bytes, dict[Hashable, int]] = {}
    for i, key in enumerate(keys):
        if i not in outcomes.kept:
            texts.setdefault(traits[i], {}).setdefault(key, i)
    for i in outcomes.kept:
        of = texts.get(traits[i], {})
        keys[i] = (traits[i], None if vectors is None else vectors[i].round(2).tobytes())
        if len(of) == 1:
            ((text, at),) = of.items()
            if vectors is None or float(vectors[i] @ vectors[at]) > _SAME_VECTOR:
                keys[i] = text


def _means(table: Floats, places: list[list[int]]) -> Floats:
    """Means of the known cells of some rows each; NaN where none is."""
    known = ~np.isnan(table)
    sums = [np.where(known[of], table[of], 0).sum(axis=0) for of in places]
    n = np.array([known[of].sum(axis=0) for of in places])
    means: Floats = np.where(n > 0, np.array(sums) / np.maximum(n, 1), np.nan)
    return means
