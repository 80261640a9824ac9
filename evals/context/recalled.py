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
        return [query for batch in self._batches(texts) for query in self._embedded(batch)]

    def relevance(self, query: Query) -> NDArray[np.float32]:
        """Of each turn, 0..1, shape (n turns,)."""
        return self.index.relevance(query)

    def _embedded(self, texts: Sequence[str]) -> list[Query]:
        if isinstance(self._embedder, TokenEmbedder):
            vectors, _, tokens = self._embedder.embed_tokens(texts)
            return [Query(*one) for one in zip(texts, vectors, tokens, strict=True)]
        return [Query(*one) for one in zip(texts, self._embedder.embed(texts), strict=True)]

    def _batches(self, texts: Sequence[str]) -> Iterator[Sequence[str]]:
        for at in range(0, len(texts), _N_BATCH):
            batch = texts[at : at + _N_BATCH]
            yield batch
            self._on_embedded(len(batch))
