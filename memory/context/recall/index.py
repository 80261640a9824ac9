"""What older turns say, for search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepwell.memory.context.recall.query import Query

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Index:
    """The turns of one conversation; grows only. Not thread-safe."""

    def __init__(self) -> None:
        from stepwell.memory.context.recall.search import Search  # loads numpy

        self.search = Search()

    def __len__(self) -> int:
        return len(self.search)

    @property
    def n_bytes(self) -> int:
        """Memory that it takes, about; it grows by half as much again at once."""
        return self.search.n_bytes

    def add(
        self, text: str, *, speaker: str = "", at_s: float = 0.0, n_tokens: int = 0, mark: bytes = b""
    ) -> int:
        """Add the next turn; returns its place, from 0.

        Args:
            text: All that was said, a photo's caption too.
            speaker: Name of who said it; where there is none, the role ("user", "assistant", "tool"): it tells "what
                did I say" from "what did you say".
            at_s: Unix time, 0 where unknown.
            n_tokens: Its length, 0 where it was not counted; not read today.
            mark: As `embed_marks` made it; b"" where there is none (yet).
        """
        return self.search.add(text, speaker, at_s, mark)

    def set_mark(self, place: int, mark: bytes) -> None:
        """Give a turn the mark it did not have; one that can't be read is left out."""
        self.search.set_mark(place, mark)

    def relevance(self, query: Query) -> NDArray[np.float32]:
        """Probability that each turn is needed to answer, 0..1, shape (n,), float32.

        What has no vector yet is judged by its words. Sums of these probabilities are what recall to expect: see
        card.json for how far that held.
        """
        return self.search.relevance(query)
