"""Asks whose text was not kept: what stands in for it, as feedback writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stepwell.base.messages import encode_json
from stepwell.router.features import read_ask
from stepwell.router.learned.inputs import Inputs, read_inputs
from stepwell.router.traits import TRAITS_HASH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.evals.tune.rows import Outcomes

    Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of one ask in place of its text.

    Attributes:
        traits: As `router.traits` gives them, shape (47,).
        vector: L2-normalised, shape (dim,), by `embedder`; None where none was made.
    """

    traits: Matrix
    vector: Matrix | None = None
    embedder: str = ""


def inputs_of(outcomes: Outcomes, vectors: Matrix | None = None) -> Inputs:
    """What a policy reads of each row: of its prompt, or of what stands in for it (then without words).

    Args:
        vectors: Of every row, shape (n, dim), or None.
    """
    made = read_inputs(map(read_ask, outcomes.prompts), vectors)
    traits = made.traits.copy()
    for at, kept in outcomes.kept.items():
        traits[at] = kept.traits
    return Inputs(traits, made.words, made.vectors)


def vectors_of(
    outcomes: Outcomes, embed: Callable[[Sequence[str]], Matrix], *, embedder: str
) -> tuple[Outcomes, Matrix]:
    """The rows that have a vector by `embedder` or a prompt to make one of, and these vectors, shape (n, dim)."""
    rows = outcomes.take(
        [i for i in range(len(outcomes)) if i not in outcomes.kept or _fits(outcomes.kept[i], embedder)]
    )
    asked = [i for i in range(len(rows)) if i not in rows.kept]
    made = embed([rows.prompts[i] for i in asked])
    dim = made.shape[1]
    vectors = np.zeros((len(rows), dim), np.float32)
    vectors[asked] = made
    for at, kept in rows.kept.items():
        vectors[at] = kept.vector
    return rows, vectors


def _fits(kept: Kept, embedder: str) -> bool:
    return kept.vector is not None and kept.embedder == embedder


def readable(rows: Iterable[Mapping[str, object]]) -> Iterator[bytes]:
    """As lines, the rows of feedback that hold a prompt, or traits as this version reads them."""
    for row in rows:
        if row.get("prompt") or row.get("traits_hash") == TRAITS_HASH:
            yield encode_json(row)
