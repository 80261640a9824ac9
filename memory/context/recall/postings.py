"""Which turns hold which words: an inverted index that grows, scored by BM25."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_K1, _B = 1.2, 0.75
_TERM_BYTES = 260  # about what a term takes beside its entries: the word, two arrays and a place in the table
_MOST = 255


class Postings:
    """Turns by word. Robertson & Zaragoza, The Probabilistic Relevance Framework, 2009."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[array[int], array[int]]] = {}
        self._lengths = array("f")
        self._n_words = 0
        self._n_entries = 0

    def __len__(self) -> int:
        return len(self._lengths)

    @property
    def n_bytes(self) -> int:
        return _TERM_BYTES * len(self._places) + 5 * self._n_entries + 4 * len(self._lengths)

    @property
    def lengths(self) -> NDArray[np.float32]:
        """Words of each turn, shape (n,)."""
        return np.array(self._lengths, dtype=np.float32)

    def add(self, terms: Sequence[str]) -> None:
        """Add the next turn."""
        place = len(self._lengths)
        for term, n in Counter(terms).items():
            held = self._places.get(term)
            if held is None:
                held = self._places[term] = (array("i"), array("B"))
            held[0].append(place)
            held[1].append(min(n, _MOST))
            self._n_entries += 1
        self._lengths.append(len(terms))
        self._n_words += len(terms)

    def idf(self, term: str) -> float:
        """How rare a term is among the turns; 0: none holds it."""
        held = self._places.get(term)
        n = len(self._lengths)
        return float(np.log(1 + (n - len(held[0]) + 0.5) / (len(held[0]) + 0.5))) if held else 0.0

    def scores(self, terms: Iterable[str]) -> NDArray[np.float32]:
        """BM25 of each turn, shape (n,); each term counts once."""
        n = len(self._lengths)
        made = np.zeros(n, dtype=np.float32)
        if not self._n_words:
            return made
        norms = _K1 * (1 - _B + (_B * n / self._n_words) * self.lengths)
        for term in dict.fromkeys(terms):
            held = self._places.get(term)
            if held is not None:
                at, counts = np.array(held[0], dtype=np.int32), np.array(held[1], dtype=np.float32)
                made[at] += self.idf(term) * (_K1 + 1) * counts / (counts + norms[at])
        return made
