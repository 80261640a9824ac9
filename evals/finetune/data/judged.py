"""What a judge says of answers, before they are learnt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.base.errors import StepwellError
from stepwell.evals.finetune.data.example import Example
from stepwell.evals.pacing import Pacing
from stepwell.evals.scoring.graded.options import GradedOptions
from stepwell.evals.scoring.graded.patience import each, patiently
from stepwell.evals.scoring.graded.scorer import GradedScorer
from stepwell.evals.suite import Row, canonical_json
from stepwell.evals.traffic.suite_of import RUBRIC

if TYPE_CHECKING:
    from stepwell.evals.ask import Asks

PATIENT = Pacing()


@dataclass(frozen=True, slots=True)
class Graded:
    """A grade 0..1 for each example, None where the judge gave none; and what all of them cost."""

    grades: tuple[float | None, ...]
    cost_usd: float


async def graded(
    examples: Sequence[Example],
    well: Asks,
    *,
    judge: str,
    rubric: str = RUBRIC,
    n_votes: int = 1,
    concurrency: int = 8,
    max_usd: float | None = None,
    pacing: Pacing = PATIENT,
    on_progress: Callable[[int, int], None] | None = None,
) -> Graded:
    """Grade answers with the scorer of the evals; examples that are not reached for `max_usd` get no grade.

    Args:
        judge: Tier that grades.

    Raises:
        ConfigError: The judge is no tier, or lacks its key; votes are even.
    """
    scorer = GradedScorer(well, judge=judge, n_votes=n_votes)
    options = canonical_json(GradedOptions(rubric=rubric, reference=False))
    grades: dict[int, float | None] = {}
    spent_usd = 0.0

    async def grade(at: int) -> None:
        nonlocal spent_usd
        row = _row(examples[at], str(at), options)
        try:
            got = await patiently(lambda: scorer.score(row, [examples[at].answer]), pacing)
            grades[at] = got.value.score
            spent_usd += got.value.judge_usd + got.lost_nano_usd / 1e9
        except StepwellError as e:
            spent_usd += e.spent_usd
        if on_progress is not None:
            on_progress(len(grades), len(examples))

    def is_over() -> bool:
        return max_usd is not None and spent_usd >= max_usd

    await each(range(len(examples)), grade, concurrency=concurrency, is_over=is_over)
    return Graded(tuple(grades.get(at) for at in range(len(examples))), spent_usd)


def _row(example: Example, name: str, options: bytes) -> Row:
    return Row(name, canonical_json(example.messages), ("",), "graded", (), {}, (), options)
