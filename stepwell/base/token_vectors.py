"""What an embedder saw of a text, word piece by word piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The word pieces of one text, and a vector for each, from the pass that made the text's own vector.

    Attributes:
        ids: Numbers of the pieces in the embedder's vocabulary, shape (n,), int32; without end markers.
        vectors: Shape (n, dim), float16, rows L2-normalised.
        is_cut: True where the text was longer than the embedder reads: its end is in none of the vectors.
    """

    ids: NDArray[np.int32]
    vectors: NDArray[np.float16]
    is_cut: bool
