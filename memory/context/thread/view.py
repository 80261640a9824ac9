"""A conversation and what was sent now, as packing sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stepwell.base.messages import Message
from stepwell.memory.context.recall.index import Index
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.thread.counts import Counts
from stepwell.memory.context.thread.said import said, speaker_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.memory.context.thread.thread import Thread


class View:
    """A conversation and what was sent now, for as long as the thread's lock is held."""

    def __init__(self, thread: Thread, sent: Sequence[Message], sent_at_s: float) -> None:
        self._thread = thread
        self._n_held = len(thread)
        self._sent = sent
        self._sent_at_s = sent_at_s
        self.shape = thread.shape
        self._sent_counts = Counts()
        if sent:
            self.shape = thread.shape.fork()
        for message in sent:
            self.shape.add(message)
            self._sent_counts.add(message)

    def __len__(self) -> int:
        return self._n_held + len(self._sent)

    @property
    def bound(self) -> NDArray[np.int32]:
        """The most tokens that each message has in any vocabulary, shape (n,)."""
        return self._joined(self._thread.counts.bound, self._sent_counts.bound)

    @property
    def about(self) -> NDArray[np.int32]:
        """A rough count, shape (n,)."""
        return self._joined(self._thread.counts.about, self._sent_counts.about)

    @property
    def at_s(self) -> NDArray[np.float64]:
        """When each was said, Unix time, 0 where unknown, shape (n,)."""
        import numpy as np

        sent = np.full(len(self._sent), self._sent_at_s)
        return self._joined(self._thread.times, sent)

    def counts(self, places: NDArray[np.int64], model: str) -> NDArray[np.int64]:
        """Tokens of the messages at `places` (rising), exactly as they are sent, shape (n_places,)."""
        import numpy as np

        n = self._n_held
        cut = int(places.searchsorted(n))
        held = self._thread.tokens(places[:cut], model)
        if cut == len(places):
            return held.astype(np.int64)
        return np.concatenate([held, self._sent_counts.of(places[cut:] - n, self._sent, model)])

    def count_beside(self, messages: Sequence[Message], model: str) -> int:
        """Tokens of messages that are no part of it; what goes along with every request is counted once."""
        return sum(self._thread.counts.beside(message, model) for message in messages)

    def count(self, places: NDArray[np.int64], model: str) -> int:
        """Tokens of the messages at `places` (rising) together."""
        return int(self.counts(places, model).sum())

    def relevance(self, query: Query) -> NDArray[np.float32]:
        """Probability that each message is needed to answer, shape (n,); the last turn would find itself: 0 there."""
        import numpy as np

        held = self._thread.relevance(query, min(self.shape.tail, self._n_held))
        sent = np.zeros(len(self._sent), dtype=np.float32)
        n_older = self.shape.tail - self._n_held
        if n_older > 0:  # a history that comes whole
            index = Index()
            for message in self._sent[:n_older]:
                index.add(said(message), speaker=speaker_of(message))
            sent[:n_older] = index.relevance(query)
        return self._joined(held, sent)

    def _joined(self, held: NDArray[Any], sent: NDArray[Any]) -> NDArray[Any]:
        import numpy as np

        return np.concatenate([held, sent]) if len(sent) else held
