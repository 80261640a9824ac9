"""Whether held-out examples are new to the model: of what it learnt, the same or nearly so is no test."""

from __future__ import annotations

from collections import Counter

from stepwell.evals.finetune.data.alike_across import leaks
from stepwell.evals.finetune.data.dataset import Dataset
from stepwell.evals.finetune.figures import LeakFigures

_N_SHOWN = 20


def find_leaks(dataset: Dataset, *, trained_on: str) -> LeakFigures:
    """Count the held-out examples that training has seen.

    Args:
        trained_on: Content of the dataset that the model's card names.
    """
    found = leaks(dataset.train, dataset.held_out)
    by_kind = Counter(leak.kind for leak in found)
    return LeakFigures(
        trained_on,
        n_same=by_kind["same"],
        n_near=by_kind["near"],
        n_group=by_kind["group"],
        ids=tuple(leak.held_out_id for leak in found[:_N_SHOWN]),
    )
