"""A conversation in memory: its messages, how they hang together, how long they are, and what they say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from threading import RLock
from typing import TYPE_CHECKING

from stepwell.base.messages import Message
from stepwell.memory.context.packing.packed import Packed
from stepwell.memory.context.recall.index import Index
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.thread.column import Column
from stepwell.memory.context.thread.counts import Counts
from stepwell.memory.context.thread.groups import Shape
from stepwell.memory.context.thread.marked import Marked
from stepwell.memory.context.thread.said import said, speaker_of
from stepwell.memory.context.thread.view import View

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_N_BYTES_A_MESSAGE = 600
MOST_READ = 4000  # about 0.3 s
_N_STEP = 20  # 2 ms: so long waits who adds while `read` goes on
_PAUSE_S = 0.001  # between steps: a thread that only computes keeps the event loop waiting for 5 ms at a time


class Thread:
    """The messages of one conversation, from the first on; grows only. Any thread may call.

    A message's place is its number, from 0. `pack` (memory.context.packing.pack) holds `lock` while it chooses. The
    index reads what was said when it is first searched: a conversation that fits costs nothing of the kind.

    Attributes:
        packed: What was last sent of it, for `pack(before=…)`; its user sets it.
    """

    def __init__(self, *, on_mark: Callable[[str, bytes], None] | None = None) -> None:
        """Begin empty.

        Args:
            on_mark: Told of each text and mark that `set_mark` gets, so that others may know it, too.
        """
        self.lock = RLock()
        self.packed: Packed | None = None
        self._on_mark = on_mark
        self.shape = Shape()
        self.counts = Counts()
        self._index: Index | None = None
        self._messages: list[Message] = []
        self._at_s = Column("float64")
        self._marked = Marked()
        self._n_chars = 0

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def is_busy(self) -> bool:
        """Whether somebody packs or searches it now: who adds then waits, up to a second, and is best off the loop."""
        if not self.lock.acquire(blocking=False):
            return True
        self.lock.release()
        return False

    @property
    def index(self) -> Index:
        """What it is searched by; made when first asked for."""
        if self._index is None:
            self._index = Index()
        return self._index

    def add(self, message: Message, *, at_s: float = 0.0, mark: bytes = b"") -> int:
        """Take in the next message; gives its place.

        Args:
            at_s: Unix time at which it was said, 0 where unknown.
            mark: What embedding left of its text (recall.marks), b"" where it is not embedded yet.
        """
        with self.lock:
            self.shape.add(message)
            self.counts.add(message)
            self._messages.append(message)
            self._at_s.add(at_s)
            place = len(self._messages) - 1
            self._n_chars += len(message.text)
            self._marked.add(mark, is_wanted=bool(said(message)))
            return place

    def set_mark(self, place: int, mark: bytes) -> None:
        """Give a message the mark it did not have; never waits for a search."""
        self._marked.set(place, mark)
        if self._on_mark is not None:
            self._on_mark(self.text_of(place), mark)

    def unmarked(self, limit: int) -> list[int]:
        """Places, rising, of up to `limit` messages whose text is worth embedding and that have no mark yet."""
        return self._marked.unmarked(limit)

    def text_of(self, place: int) -> str:
        """What of a message is searched and embedded; "" of a system message. Very long texts are cut."""
        return said(self._messages[place])

    def at_s(self, place: int) -> float:
        return float(self._at_s.view()[place])

    @property
    def times(self) -> NDArray[np.float64]:
        """When each message was said, Unix time, 0 where unknown, shape (n,)."""
        return self._at_s.view()

    def tokens(self, places: NDArray[np.int64], model: str) -> NDArray[np.int32]:
        """Tokens of the messages at `places`, as they are sent, shape (n_places,)."""
        return self.counts.of(places, self._messages, model)

    def messages(self, places: Iterable[int]) -> list[Message]:
        return [self._messages[place] for place in places]

    def relevance(self, query: Query, n: int) -> NDArray[np.float32]:
        """Probability that each message is needed to answer, shape (n_messages,); the index reads those new to it.

        Of a conversation that was just loaded it reads `MOST_READ` at once; those that are still unread count as the
        others do on average, and `read` brings the index up behind the request.

        Args:
            n: Search the first n (and what was searched before); the rest is 0.
        """
        import numpy as np

        with self.lock:
            self._read_up_to(min(n, len(self.index) + MOST_READ))
            found = np.zeros(len(self), dtype=np.float32)
            known = self.index.relevance(query)
            found[: len(known)] = known
            if len(known) < n:
                found[len(known) : n] = known.mean()
            return found

    def read(self, most: int) -> bool:
        """Bring the index up by as many messages, where it was searched before; whether some are left.

        Others get in between every few of them. Blocks; call it in a worker thread.
        """
        for n_left in range(most, 0, -_N_STEP):
            with self.lock:
                if self._index is None:
                    return False
                n = self.shape.tail
                self._read_up_to(min(n, len(self._index) + min(n_left, _N_STEP)))
                if len(self._index) >= n:
                    return False
            time.sleep(_PAUSE_S)
        return True

    def _read_up_to(self, n: int) -> None:
        index = self.index
        for place in range(len(index), n):
            self._read(place)
        for place, mark in self._marked.take(len(index)):
            index.set_mark(place, mark)

    def _read(self, place: int) -> None:
        message, n_tokens = self._messages[place], int(self.counts.about[place])
        self.index.add(said(message), speaker=speaker_of(message), at_s=self.at_s(place), n_tokens=n_tokens)

    def view(self, sent: Sequence[Message] = (), *, sent_at_s: float = 0.0) -> View:
        """The conversation as it is now, followed by `sent`, which is not added to it."""
        return View(self, sent, sent_at_s)

    @property
    def n_bytes(self) -> int:
        """Memory that it takes, about."""
        n = self._n_chars + _N_BYTES_A_MESSAGE * len(self._messages) + self._marked.n_bytes
        n += self._index.n_bytes if self._index is not None else 0
        return n + self.shape.n_bytes + self.counts.n_bytes
