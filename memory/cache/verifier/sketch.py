"""What is kept of a text to compare it with later ones: its words, and small vectors of its word pieces."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.memory.cache.verifier.cased import Cased, cased, clash
from stepwell.memory.cache.verifier.unread import unread
from stepwell.memory.cache.verifier.words import Words, words_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.base.token_vectors import TokenVectors

    Floats = NDArray[np.float32]

MAX_PIECES = 80
_VERSION = 2


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    version: int
    forms: str
    is_name: bytes
    idf: bytes
    pieces: bytes = b""
    vectors: bytes = b""
    rest: bytes = b""
    cased: Cased = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sketch:
    """One text, ready to compare.

    Attributes:
        pieces: Numbers of its word pieces, shape (n,); None where the embedder shows none.
        vectors: Shape (n, dim), rows L2-normalised.
        rest: Stands for all that was not read; empty where all was. Texts that differ in it can't be compared.
        cased: Pieces whose case means something, as `cased` gives them.
    """

    words: Words
    pieces: NDArray[np.int32] | None
    vectors: Floats | None
    rest: bytes
    cased: Cased = field(default_factory=dict)

    def differs_unseen(self, other: Sketch) -> bool:
        """Whether texts differ in what no feature shows: signs, case, or what stands after the words read."""
        return self.rest != other.rest or clash(self.cased, other.cased)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Kept).decode


def make_sketch(text: str, tokens: TokenVectors | None, basis: Floats) -> bytes:
    """Encode a text.

    Args:
        tokens: Its word pieces; others than of the basis' width are left out, and so is all after 80.
        basis: Shape (384, dim), orthonormal columns: most of what cosines of word pieces depend on.
    """
    words = words_of(text)
    kept = (" ".join(words.forms), words.is_name, words.idf)
    rest, of_case = _rest(text, words), {} if words.is_cut else cased(text)
    if tokens is None or not len(tokens.ids) or tokens.vectors.shape[1] != len(basis):
        return _encode(_Kept(_VERSION, *kept, rest=rest, cased=of_case))
    small = tokens.vectors[:MAX_PIECES].astype(np.float32) @ basis
    top = np.abs(small).max(axis=1, keepdims=True)
    steps = np.rint(small * (127 / np.maximum(top, 1e-9))).astype(np.int8)
    pieces = tokens.ids[:MAX_PIECES].astype(np.int32).tobytes()
    return _encode(_Kept(_VERSION, *kept, pieces, steps.tobytes(), rest, of_case))


def _rest(text: str, words: Words) -> bytes:
    """Fingerprint of what `words` leave out: all of a long text, else the signs that nothing reads."""
    left = text.split() if words.is_cut else unread(text)
    return blake2b(" ".join(left).encode("utf-8", "replace"), digest_size=8).digest() if left else b""


def read_sketch(sketch: bytes) -> Sketch | None:
    """Decode one; None where it is of another version, or not one at all."""
    try:
        kept = _decode(sketch)
    except msgspec.MsgspecError:
        return None
    if kept.version != _VERSION:
        return None
    words = Words(kept.forms.split(" ") if kept.forms else [], kept.is_name, kept.idf)
    if not kept.pieces:
        return Sketch(words, None, None, kept.rest, kept.cased)
    pieces = np.frombuffer(kept.pieces, dtype=np.int32)
    vectors = np.frombuffer(kept.vectors, dtype=np.int8).reshape(len(pieces), -1).astype(np.float32)
    vectors /= np.maximum(np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None], 1e-9)
    return Sketch(words, pieces, vectors, kept.rest, kept.cased)
