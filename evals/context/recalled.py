"""A talk in the index that the live packer searches, each turn and each question embedded once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from stepwell.base.embedding import Embedder, TokenEmbedder
from stepwell.evals.context.talk import Question, Talk
from stepwell.memory.context.recall.index import Index
from stepwell.memory.context.recall.marks import embed_marks, vector_of
from stepwell.memory.context.recall.query import Query

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_N_BATCH = 64


class Recalled:
    """Searches one talk.

    Attributes:
        marks: Of its turns.
        vectors: Of its turns, shape (n turns, dim), float32.
    """

    def __init__(
        self, talk: Talk, embedder: Embedder, *, on_embedded: Callable[[int], None] = lambda n: None
    ) -> None:
        import numpy as np

        self._embedder = embedder
        self._on_embedded = on_embedded
        self.index = Index()
        lines = [turn.line for turn in talk.turns]
        self.marks = [mark for batch in self._batches(lines) for mark in embed_marks(embedder, batch)]
        self.vectors = np.array([vector_of(mark) for mark in self.marks])
        for turn, mark in zip(talk.turns, self.marks, strict=True):
            self.index.add(turn.said, speaker=turn.speaker, at_s=turn.at_s, mark=mark)

    def queries(self, questions: Sequence[Question]) -> list[Query]:
        """Each question, embedded."""
        texts = [question.text for question in questions]
        return [query for batch in self._batches(texts) for query in queries_of(self._embedder, batch)]

    def relevance(self, query: Query) -> NDArray[np.float32]:
        """Of each turn, 0..1, shape (n turns,)."""
        return self.index.relevance(query)

    def _batches(self, texts: Sequence[str]) -> Iterator[Sequence[str]]:
        for at in range(0, len(texts), _N_BATCH):
            batch = texts[at : at + _N_BATCH]
            yield batch
            self._on_embedded(len(batch))


def queries_of(embedder: Embedder, texts: Sequence[str], at_s: Sequence[float] = ()) -> list[Query]:
    """What each text looks for, embedded at once.

    Args:
        at_s: When each was said; empty: unknown.
    """
    times = at_s or [0.0] * len(texts)
    if isinstance(embedder, TokenEmbedder):
        vectors, _, tokens = embedder.embed_tokens(texts)
        return [Query(*one) for one in zip(texts, vectors, tokens, times, strict=True)]
    vectors = embedder.embed(texts)
    return [Query(text, v, None, t) for text, v, t in zip(texts, vectors, times, strict=True)]
