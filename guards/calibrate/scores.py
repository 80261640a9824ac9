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
    judge: Judge,
    rows: Sequence[Labelled],
    embed: Embed | None = None,
    show: Callable[[int, int], None] | None = None,
) -> list[float]:
    """The highest score of each row, 0..1; 0 where the check reports nothing. Blocks.

    Args:
        embed: Vectors of texts, as the request's own text has one; a check is told them where it reads them.
        show: Is told how many rows are done, and how many there are.
    """
    scores: list[float] = []
    for at in range(0, len(rows), _N_BATCH):
        batch = rows[at : at + _N_BATCH]
        vectors = embed([r.text for r in batch]) if embed is not None and judge.reads_vector else None
        scores += [
            _score(judge, r, embed, None if vectors is None else vectors[i]) for i, r in enumerate(batch)
        ]
        if show is not None:
            show(len(scores), len(rows))
    return scores


def _score(judge: Judge, row: Labelled, embed: Embed | None, vector: NDArray[np.float32] | None) -> float:
    context = Context(stage=row.stage, embed=embed)
    if (
        vector is not None and row.stage == "input"
    ):  # the request's own text has one; documents and answers don't
        context.vector, context.vector_text = vector, row.text
    return max((f.score for f in judge.find_in(row.text, context)), default=0.0)
