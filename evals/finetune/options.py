"""How a fine-tuned model is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.evals.finetune.heads import KINDS, HeadOptions

if TYPE_CHECKING:
    from stepwell.router.tiers.head_file import HeadKind

MARGIN = 0.02
FITTED = HeadOptions()


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    """How a model is measured.

    Attributes:
        tiers: Of the configuration, asked beside: what they say counts for the figures, not for the promotion.
        judge: Tier that grades free text; `rubric` is what it goes by.
        heads: Which are fitted beside; a promotion takes both, or answers that none can be fitted to.
        limit: So many held-out examples; None: all of them.
        concurrency: Requests in flight at once.
        margin: Differences within it do not matter.
        base: In place of the base that the bundle's card names.
        timeout_s: Of one answer, at least.
        n_judge_checks: Planted answers that measure the judge.
    """

    tiers: Sequence[str] = ()
    judge: str | None = None
    rubric: str | None = None
    heads: Sequence[HeadKind] = KINDS
    head_options: HeadOptions = FITTED
    limit: int | None = None
    concurrency: int = 2
    n_threads: int = 1
    margin: float = MARGIN
    base: str | None = None
    max_usd: float | None = None
    timeout_s: float = 300.0
    n_judge_checks: int = 60
