"""Pack every question of some talks, by Stepwell and by what it must beat, and score what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from stepwell.base.embedding import Embedder
from stepwell.base.tokens import count_text
from stepwell.evals.context import baselines
from stepwell.evals.context.figures import Case, Line, summarise
from stepwell.evals.context.live import LiveTalk
from stepwell.evals.context.plain import PlainFill
from stepwell.evals.context.recalled import Recalled
from stepwell.evals.context.survive import Judge
from stepwell.evals.context.talk import Question, Talk
from stepwell.memory.context.packing.render import Transcript
from stepwell.memory.context.recall.query import Query

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OURS = "Stepwell"
LIVE = "Stepwell, as messages"
# a library's own way to shorten a talk to a budget: the text that is left, whatever is asked
Peer = Callable[[Talk, int], str]


def compare(
    talks: Sequence[Talk],
    budgets: Sequence[int],
    *,
    embedder: Embedder,
    model: str,
    recent_share: float = 0.1,
    with_baselines: bool = True,
    peers: dict[str, Peer] | None = None,
    on_embedded: Callable[[int], None] = lambda n: None,
) -> list[Line]:
    """A line a method and budget; each turn is embedded once.

    Args:
        model: Whose vocabulary counts.
        on_embedded: Told how many texts were embedded since it was last told.
    """
    cases: list[Case] = []
    for talk in talks:
        one = _Compared(talk, embedder, model, on_embedded)
        for budget in budgets:
            cases += one.ours(budget, recent_share)
            cases += one.live(budget, recent_share)
            if with_baselines:
                cases += one.baselines(budget)
            for name, peer in (peers or {}).items():
                cases += one.peer(name, peer, budget)
    ways = dict.fromkeys((case.budget_tokens, case.method) for case in cases)
    return [summarise([c for c in cases if (c.budget_tokens, c.method) == way]) for way in ways]


class _Compared:
    """One talk, embedded."""

    def __init__(
        self, talk: Talk, embedder: Embedder, model: str, on_embedded: Callable[[int], None]
    ) -> None:
        self._talk = talk
        self._model = model
        self._asked = [question for question in talk.questions if question.is_scored]
        self._recalled = Recalled(talk, embedder, on_embedded=on_embedded)
        self._queries = self._recalled.queries(self._asked)
        self._transcript = Transcript(talk.lines, model=model)
        self._plain = PlainFill(talk.lines, model=model)
        self._judge = Judge(talk)
        self._live = LiveTalk(talk, embedder, marks=self._recalled.marks)
        self._bm25 = baselines.Bm25([turn.line for turn in talk.turns])

    def ours(self, budget: int, recent_share: float) -> Iterator[Case]:
        for question, query in zip(self._asked, self._queries, strict=True):
            found = self._transcript.render(
                budget, self._recalled.relevance(query), recent_share=recent_share
            )
            yield self._case(OURS, budget, question, found.text, found.expected_recall)

    def live(self, budget: int, recent_share: float) -> Iterator[Case]:
        for question, query in zip(self._asked, self._queries, strict=True):
            found = self._live.packed(query, budget, model=self._model, recent_share=recent_share)
            text, n_tokens, expected = found or ("", 0, 0.0)
            is_over = n_tokens > budget
            kept = self._judge.none(question) if is_over else self._judge.kept(question, text)
            yield Case(LIVE, budget, self._talk.id, question.kind, kept, is_over, expected)

    def baselines(self, budget: int) -> Iterator[Case]:
        last = self._plain.last(budget)
        for question, query in zip(self._asked, self._queries, strict=True):
            yield self._case("last k turns", budget, question, last)
            for name, scores in self._scores(query).items():
                text = self._plain.best(budget, scores, recent_share=baselines.RECENT_SHARE)
                yield self._case(name, budget, question, text)

    def peer(self, name: str, peer: Peer, budget: int) -> Iterator[Case]:
        text = peer(self._talk, budget)
        for question in self._asked:
            yield self._case(name, budget, question, text)

    def _scores(self, query: Query) -> dict[str, NDArray[np.float32]]:
        words = self._bm25.scores(query.text)
        if query.vector is None:
            return {"BM25": words}
        cosines = self._recalled.vectors @ query.vector
        return {"BM25": words, "cosine": cosines, "both, by rank": baselines.fused(words, cosines)}

    def _case(
        self, method: str, budget: int, question: Question, text: str, expected: float | None = None
    ) -> Case:
        is_over = count_text(text, self._model) > budget
        kept = self._judge.none(question) if is_over else self._judge.kept(question, text)
        return Case(method, budget, self._talk.id, question.kind, kept, is_over, expected)
