"""What is kept of a turn's embedding, so that each text is embedded once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from stepwell.base.embedding import TokenEmbedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.base.embedding import Embedder
    from stepwell.base.token_vectors import TokenVectors

_VERSION = 1


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """Attributes:
    vector: The text's vector, float16, shape (dim,).
    pieces: Small vectors of its word pieces (recall.pieces), int8, shape (n, width); b"": there are none.
    basis: Says which basis made them small.
    """

    version: int
    vector: bytes
    pieces: bytes = b""
    basis: str = ""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Mark).decode


def embed_marks(embedder: Embedder, texts: Sequence[str]) -> list[bytes]:
    """The mark of each text. Blocks; the embedder reads each text once, and about 256 word pieces of it."""
    if not texts:
        return []
    if isinstance(embedder, TokenEmbedder):
        vectors, _, tokens = embedder.embed_tokens(texts)
        return [mark_of_query(vector, of_one) for vector, of_one in zip(vectors, tokens, strict=True)]
    return [mark_of_query(vector, None) for vector in embedder.embed(texts)]


def mark_of_query(vector: NDArray[np.float32], tokens: TokenVectors | None) -> bytes:
    """The mark of a text that was embedded already."""
    import numpy as np

    from stepwell.memory.context.recall.basis import basis

    halves = np.asarray(vector, dtype=np.float16).tobytes()
    if tokens is None or not len(tokens.ids) or tokens.vectors.shape[1] != basis().width:
        return _encode(Mark(_VERSION, halves))
    return _encode(Mark(_VERSION, halves, basis().small_turn(tokens).tobytes(), basis().name))


def vector_of(mark: bytes) -> NDArray[np.float32]:
    """The vector that a mark holds, shape (dim,); of width 0 where it holds none that this version reads."""
    import numpy as np

    held = read_mark(mark)
    return np.frombuffer(held.vector if held else b"", dtype=np.float16).astype(np.float32)


def read_mark(mark: bytes) -> Mark | None:
    """None where this version can't read it."""
    try:
        held = _decode(mark)
    except msgspec.MsgspecError:
        return None
    return held if held.version == _VERSION and len(held.vector) % 2 == 0 else None
