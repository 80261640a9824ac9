"""Open the scorers that a suite needs: each loads what it stands on when it is first wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.evals.scored import AsyncScorer, Scored
from stepwell.evals.scorers import SCORERS
from stepwell.evals.suite import Row

if TYPE_CHECKING:
    from stepwell.base.config import EmbeddingConfig
    from stepwell.evals.ask import Asks


@dataclass(frozen=True, slots=True)
class Means:
    """What scorers may use.

    Attributes:
        judge: Tier that grades where a row names none.
        n_votes: How often it is asked; the majority counts.
        embedding: The embedder that `similarity` compares with; None: the shipped one.
    """

    well: Asks
    judge: str | None = None
    n_votes: int = 1
    embedding: EmbeddingConfig | None = None


class Judging:
    """Scores samples: plain scorers at once, the others as they are ready."""

    def __init__(self, opened: Mapping[str, AsyncScorer] | None = None) -> None:
        self._opened = opened or {}

    def waits(self, row: Row) -> bool:
        """Whether its scorer has to be waited for."""
        return SCORERS[row.scorer].is_async

    def score_now(self, row: Row, answer: str) -> Scored:
        """The verdict of a plain scorer."""
        return SCORERS[row.scorer].judge(answer, row.targets)

    async def score(self, row: Row, answers: Sequence[str]) -> Scored:
        """The verdict on the answers to a row's turns.

        Raises:
            StepwellError: A judge could not be asked.
        """
        return await self._opened[row.scorer].score(row, answers)

    def key(self, row: Row) -> str:
        """Names who judges such a row: judge, models and votes, or the embedder; "" for a plain scorer."""
        scorer = self._opened.get(row.scorer)
        return "" if scorer is None else scorer.key(row)

    async def close(self) -> None:
        for scorer in self._opened.values():
            await scorer.close()


def open_judging(scorers: Iterable[str], means: Means) -> Judging:
    """Open what these scorers need.

    Raises:
        ConfigError: A scorer can't work here: no judge is named, programs can't be locked up.
    """
    wanted = dict.fromkeys(name for name in scorers if SCORERS[name].is_async)
    return Judging({name: _OPENERS[name](means) for name in wanted})


def _code(means: Means) -> AsyncScorer:
    from stepwell.evals.scoring.code.scorer import CodeScorer

    return CodeScorer()


def _similarity(means: Means) -> AsyncScorer:
    from stepwell.evals.scoring.similarity import SimilarityScorer

    return SimilarityScorer(means.embedding)


def _graded(means: Means) -> AsyncScorer:
    from stepwell.evals.scoring.graded.scorer import GradedScorer

    return GradedScorer(means.well, judge=means.judge, n_votes=means.n_votes)


def _json_schema(means: Means) -> AsyncScorer:
    from stepwell.evals.scoring.structured import SchemaScorer

    return SchemaScorer()


def _pydantic(means: Means) -> AsyncScorer:
    from stepwell.evals.scoring.structured import ModelScorer

    return ModelScorer()


_OPENERS: Mapping[str, Callable[[Means], AsyncScorer]] = {
    "code": _code,
    "similarity": _similarity,
    "graded": _graded,
    "json_schema": _json_schema,
    "pydantic": _pydantic,
}
