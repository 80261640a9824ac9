"""Which choices of a stream are over."""

from __future__ import annotations

from stepwell.base.messages import Chunk


class Finishes:
    """Reads chunks. A stream of n > 1 interleaves its choices: one that is over says nothing of the others."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._over: set[int] = set()

    def add(self, chunk: Chunk) -> None:
        for choice in chunk.choices:
            self._seen.add(choice.index)
            if choice.finish_reason is not None:
                self._over.add(choice.index)

    @property
    def has_all(self) -> bool:
        """Every choice seen so far has its finish_reason, and there is one."""
        return bool(self._over) and len(self._over) == len(self._seen)
