"""Pairs of prompts as the rows of features that a verifier's trees read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stepwell.base.embedding import Embedder, TokenEmbedder
from stepwell.memory.cache.verifier.model import FEATURES
from stepwell.memory.cache.verifier.scoring import pair_features
from stepwell.memory.cache.verifier.sketch import Sketch, make_sketch, read_sketch
from stepwell.memory.cache.verifier.verifier import EMBEDDER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.base.token_vectors import TokenVectors

    Floats = NDArray[np.float32]

_N_BATCH = 256


def embed_with_pieces(
    embedder: Embedder, texts: Sequence[str]
) -> tuple[Floats, Sequence[TokenVectors | None]]:
    """Vectors of `texts`, and their word pieces where the embedder is the one whose pieces a verifier knows."""
    if embedder.name == EMBEDDER and isinstance(embedder, TokenEmbedder):
        vectors, _, pieces = embedder.embed_tokens(texts)
        return vectors, pieces
    return embedder.embed(texts), [None] * len(texts)


def pair_rows(pairs: Sequence[tuple[str, str]], embedder: Embedder, basis: Floats) -> Floats:
    """`model.FEATURES` of each pair, shape (n, k), float32. Blocks; embeds each text once."""
    known: dict[str, tuple[Sketch, Floats]] = {}
    texts = list(dict.fromkeys(text for pair in pairs for text in pair))
    for i in range(0, len(texts), _N_BATCH):
        batch = texts[i : i + _N_BATCH]
        vectors, pieces = embed_with_pieces(embedder, batch)
        for text, vector, tokens in zip(batch, vectors, pieces, strict=True):
            sketch = read_sketch(make_sketch(text, tokens, basis))
            assert sketch is not None
            known[text] = (sketch, vector)
    rows = np.empty((len(pairs), len(FEATURES)), dtype=np.float32)
    for n, (a, b) in enumerate(pairs):
        (x, u), (y, v) = known[a], known[b]
        rows[n] = pair_features(x, [y], [float(u @ v)])[0]
    return rows
