"""What is kept of a turn's embedding, so that each text is embedded once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.base.embedding import Embedder
    from stepwell.base.token_vectors import TokenVectors

_VERSION = 1


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    version: int
    vector: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Mark).decode


def embed_marks(embedder: Embedder, texts: Sequence[str]) -> list[bytes]:
    """The mark of each text. Blocks; the embedder reads each text once, and about 256 word pieces of it."""
    return [mark_of_query(vector, None) for vector in embedder.embed(texts)]


def mark_of_query(vector: NDArray[np.float32], tokens: TokenVectors | None) -> bytes:
    """The mark of a text that was embedded already."""
    import numpy as np

    return _encode(_Mark(_VERSION, np.asarray(vector, dtype=np.float16).tobytes()))


def vector_of(mark: bytes) -> NDArray[np.float32]:
    """The vector that a mark holds, shape (dim,); of width 0 where it holds none that this version reads."""
    import numpy as np

    try:
        held = _decode(mark)
    except msgspec.MsgspecError:
        return np.zeros(0, dtype=np.float32)
    if held.version != _VERSION or len(held.vector) % 2:
        return np.zeros(0, dtype=np.float32)
    return np.frombuffer(held.vector, dtype=np.float16).astype(np.float32)
