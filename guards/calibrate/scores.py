"""What a check says of many texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from stepwell.guards.calibrate.rows import Labelled
from stepwell.guards.context import Context

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.guards.check import Judge

Embed = Callable[[Sequence[str]], "NDArray[np.float32]"]
_N_BATCH = 64


def score_rows(
    judges: Sequence[Judge],
    rows: Sequence[Labelled],
    embed: Embed | None = None,
    show: Callable[[int, int], None] | None = None,
) -> list[list[float]]:
    """For each check the highest score of each row, 0..1; 0 where it reports nothing. Blocks.

    Args:
        embed: Vectors of texts, shape (n, dim), as a request's own text has one; for checks that read them.
        show: Is told how many rows are done, and how many there are.
    """
    scores: list[list[float]] = [[] for _ in judges]
    reads_vector = embed is not None and any(j.reads_vector for j in judges)
    for at in range(0, len(rows), _N_BATCH):
        batch = rows[at : at + _N_BATCH]
        vectors = embed([r.text for r in batch]) if embed is not None and reads_vector else None
        for i, row in enumerate(batch):
            context = _context(row, None if vectors is None else vectors[i], embed)
            for judge, of in zip(judges, scores, strict=True):
                of.append(max((f.score for f in judge.find_in(row.text, context)), default=0.0))
        if show is not None:
            show(at + len(batch), len(rows))
    return scores


def _context(row: Labelled, vector: NDArray[np.float32] | None, embed: Embed | None) -> Context:
    context = Context(stage=row.stage, sources=row.documents, embed=embed)
    if (
        vector is not None and row.stage == "input"
    ):  # the request's own text has one; documents and answers don't
        context.vector, context.vector_text = vector, row.text
    return context
