"""Texts with their vectors and the verifier's sketches, each made once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from stepwell.base.embedding import Embedder, TokenEmbedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.base.token_vectors import TokenVectors

_N_BATCH = 256


class PairScorer(Protocol):
    """What a replay needs of the verifier."""

    def sketch(self, text: str, tokens: TokenVectors | None) -> bytes: ...

    def log_odds(
        self, query: bytes, cached: Sequence[bytes], similarities: Sequence[float]
    ) -> list[float]: ...


class EmbeddedTexts:
    """Vectors and sketches in memory.

    Args:
        verifier: None: there are no sketches, and no log-odds.
    """

    def __init__(self, embedder: Embedder, verifier: PairScorer | None = None) -> None:
        self._embedder = embedder
        self.verifier = verifier
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self._sketches: dict[str, bytes] = {}

    def prepare(self, texts: Sequence[str]) -> None:
        """Embed those that are new, in batches; blocks."""
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        for start in range(0, len(new), _N_BATCH):
            self._embed(new[start : start + _N_BATCH])

    def vector(self, text: str) -> NDArray[np.float32]:
        """L2-normalised, shape (dim,)."""
        self.prepare([text])
        return self._vectors[text]

    def sketch(self, text: str) -> bytes:
        """Only with a verifier."""
        self.prepare([text])
        return self._sketches[text]

    def _embed(self, texts: list[str]) -> None:
        pieces: Sequence[TokenVectors | None] = [None] * len(texts)
        if self.verifier is not None and isinstance(self._embedder, TokenEmbedder):
            vectors, _, pieces = self._embedder.embed_tokens(texts)
        else:
            vectors = self._embedder.embed(texts)
        for text, vector, tokens in zip(texts, vectors, pieces, strict=True):
            self._vectors[text] = vector
            if self.verifier is not None:
                self._sketches[text] = self.verifier.sketch(text, tokens)
