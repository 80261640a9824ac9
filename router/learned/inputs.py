"""What learned heads read of asks: traits, hashed words and, where there is one, the embedding."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stepwell.router.traits import asked, traits_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.router.features import Ask

    Matrix = NDArray[np.float32]
    Places = NDArray[np.intp]

N_WORD_BUCKETS = 4096


@dataclass(frozen=True, slots=True)
class Inputs:
    """n asks as arrays; their texts can't be got back from it.

    Attributes:
        traits: As `router.traits` gives them, shape (n, 47), float32.
        words: Of each ask the buckets, below N_WORD_BUCKETS, of its distinct words.
        vectors: L2-normalised, shape (n, dim), float32; None where there are none.
    """

    traits: Matrix
    words: Sequence[Places]
    vectors: Matrix | None

    def __len__(self) -> int:
        return len(self.traits)

    def take(self, places: Places) -> Inputs:
        """The rows at these places, in that order."""
        words = [self.words[i] for i in places]
        return Inputs(self.traits[places], words, None if self.vectors is None else self.vectors[places])


def read_inputs(asks: Iterable[Ask], vectors: Matrix | None = None) -> Inputs:
    """Inputs of some asks; `vectors` has a row for each, or is None."""
    listed = [asked(ask) for ask in asks]
    table = np.stack([traits_of(ask) for ask in listed]) if listed else np.zeros((0, 0), np.float32)
    rows = None if vectors is None else np.ascontiguousarray(vectors, dtype=np.float32)
    return Inputs(table, [buckets(ask.vocabulary) for ask in listed], rows)


def buckets(words: Iterable[str]) -> Places:
    """Buckets of some words, each once, rising: the same on every machine (CRC-32)."""
    crc, mask = zlib.crc32, N_WORD_BUCKETS - 1
    # a lone surrogate is no reason to fail
    found = {crc(word.encode("utf-8", "replace")) & mask for word in words}
    return np.array(sorted(found), dtype=np.intp)
