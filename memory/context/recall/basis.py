"""How vectors are made small: main axes of MiniLM's word pieces and texts, from texts of our own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.base.token_vectors import TokenVectors

    Floats = NDArray[np.float32]

BASIS_FILE = Path(__file__).with_name("basis.npz")
_STEPS = 254.0  # a step of int8; few coordinates of a unit vector are past 0.5
_MOST_OF_TURN, _MOST_OF_QUERY = 128, 32
_FIRST_WORD = 1996  # MiniLM's vocabulary holds signs and letters first, then words, the commonest first
_N_VOCABULARY = 30_522


@dataclass(frozen=True, slots=True)
class Basis:
    """Attributes:
    name: Changes with the axes.
    of_pieces: Shape (width, n), orthonormal columns.
    of_texts: The same for vectors of whole texts.
    is_skipped: Pieces of stop words and signs, by number in the vocabulary: a turn keeps none of them.
    """

    name: str
    of_pieces: Floats
    of_texts: Floats
    is_skipped: NDArray[np.bool_]

    @property
    def width(self) -> int:
        """Of the vectors that it makes small."""
        return len(self.of_pieces)

    def small_turn(self, tokens: TokenVectors) -> NDArray[np.int8]:
        """Pieces of a turn's content words, 128 at most, the rarest; shape (n, of_pieces.shape[1])."""
        keep = np.flatnonzero(~self.is_skipped[_known(tokens.ids)])
        if not len(keep):
            keep = np.arange(len(tokens.ids))
        if len(keep) > _MOST_OF_TURN:
            rarest = np.argsort(-rarity(tokens.ids[keep]), kind="stable")[:_MOST_OF_TURN]
            keep = np.sort(keep[rarest])
        small = _unit(tokens.vectors[keep].astype(np.float32) @ self.of_pieces)
        steps: NDArray[np.int8] = np.clip(np.rint(small * _STEPS), -127, 127).astype(np.int8)
        return steps

    def small_query(self, tokens: TokenVectors) -> tuple[Floats, Floats]:
        """Pieces of a question, 32 at most, the rarest, shape (n, width), and how much each counts, sum 1."""
        weights = rarity(tokens.ids)
        keep = np.sort(np.argsort(-weights, kind="stable")[:_MOST_OF_QUERY])
        small = _unit(tokens.vectors[keep].astype(np.float32) @ self.of_pieces)
        return small / np.float32(_STEPS), weights[keep] / weights[keep].sum()

    def small_text(self, vector: Floats) -> Floats:
        """A text's vector on its main axes, as long as it is there; one of another width stays as it is."""
        return vector @ self.of_texts if len(vector) == len(self.of_texts) else vector


@cache
def basis() -> Basis:
    """The shipped one."""
    with np.load(BASIS_FILE, allow_pickle=False) as held:
        return Basis(
            str(held["name"]),
            held["of_pieces"].astype(np.float32),
            held["of_texts"].astype(np.float32),
            held["is_skipped"],
        )


def rarity(ids: NDArray[np.int32]) -> Floats:
    """What stands for the IDF of word pieces, 0.5..9.3: the vocabulary is ordered by frequency."""
    known = _known(ids)
    rank = np.maximum(known.astype(np.float32) - (_FIRST_WORD - 8), 2)
    made: Floats = np.where(known < _FIRST_WORD, 0.5, np.log(rank) - 1).astype(np.float32)
    return made


def _known(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    made: NDArray[np.int32] = np.clip(ids, 0, _N_VOCABULARY)
    return made


def _unit(rows: Floats) -> Floats:
    made: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return made
