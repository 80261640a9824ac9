"""What is looked for among older turns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.base.token_vectors import TokenVectors


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """What the conversation needs now.

    Attributes:
        text: The user's last message.
        vector: Its embedding, shape (dim,), L2-normalised; None where there is none (yet).
        tokens: Its word pieces, where the embedder shows them.
        at_s: Unix time at which it was asked, 0 where unknown.
    """

    text: str
    vector: NDArray[np.float32] | None = None
    tokens: TokenVectors | None = None
    at_s: float = 0.0
