"""Which pieces of words, words and short phrases a text has: hashed, without a Python loop over them.

Characters 2-5 within words and words 1-3, as in the bag-of-n-grams baselines for short texts (Joulin et al. 2017,
"Bag of Tricks for Efficient Text Classification"; hashing: Weinberger et al. 2009). A prefix sum of a polynomial
in the code points gives the hash of any stretch of text by one subtraction (Karp and Rabin 1987).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHAR_LENGTHS = (2, 3, 4, 5)
WORD_LENGTHS = (1, 2, 3)
N_CHAR_BUCKETS = 2**18
N_WORD_BUCKETS = 2**17
N_BUCKETS = N_CHAR_BUCKETS + N_WORD_BUCKETS
"""Words follow characters."""

_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2**64
_INVERSE = pow(_BASE, -1, 2**64)
_MIX = 0xBF58476D1CE4E5B9
_SPACE = 32

_Places: TypeAlias = (
    "tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]"  # buckets, starts, stops
)


class Grams(NamedTuple):
    """N-grams of one text, in no particular order.

    Attributes:
        buckets: Which, 0..N_BUCKETS - 1, shape (n,), int64.
        starts, stops: Where each begins and ends, in characters of the text, shape (n,), int64, unsorted.
        n_chars: How many of the first ones are of characters; the rest are of words.
    """

    buckets: NDArray[np.int64]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    n_chars: int


def grams(text: str) -> Grams:
    """Every n-gram of a text, repeated ones too; linear in its length."""
    import numpy as np

    codes = _codes(text)
    sums = _prefix_sums(codes)
    is_word = _word_table()[np.minimum(codes, 0xFFFF)]
    of_chars, of_words = _char_grams(codes, sums), _word_grams(is_word, sums)
    buckets, starts, stops = (np.concatenate(pair) for pair in zip(of_chars, of_words, strict=True))
    return Grams(buckets, starts, stops, len(of_chars[0]))


def _codes(text: str) -> NDArray[np.int64]:
    """Code points, one for each character of `text`: lower-case, any digit as 0, any white space as a space."""
    import numpy as np

    lowered = text.lower()
    if len(lowered) != len(text):  # a few capitals become two characters
        lowered = "".join(c if len(c) == 1 else o for o, c in ((o, o.lower()) for o in text))
    codes = np.frombuffer(lowered.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)
    folds = _fold_table()
    return np.where(codes < len(folds), folds[np.minimum(codes, len(folds) - 1)], codes)


def _prefix_sums(codes: NDArray[np.int64]) -> NDArray[np.uint64]:
    import numpy as np

    sums = np.zeros(len(codes) + 1, dtype=np.uint64)
    np.cumsum((codes.astype(np.uint64) + np.uint64(1)) * _powers(_BASE, len(codes)), out=sums[1:])
    return sums


def _char_grams(codes: NDArray[np.int64], sums: NDArray[np.uint64]) -> _Places:
    """Those with white space at most at an end, and something else in them."""
    import numpy as np

    is_space = codes == _SPACE
    n_spaces = np.concatenate(([0], np.cumsum(is_space)))
    found, places, lasts = [], [], []
    for length in CHAR_LENGTHS:
        n_grams = len(codes) - length + 1
        if n_grams <= 0:
            break
        inner = n_spaces[length - 1 : length - 1 + n_grams] - n_spaces[1 : 1 + n_grams]
        is_blank = is_space[:n_grams] & is_space[length - 1 :]
        starts = np.flatnonzero((inner == 0) & ~(is_blank & (length == 2)))
        found.append(_bucket(_hashes(sums, starts, starts + length), length, N_CHAR_BUCKETS))
        places.append(starts)
        lasts.append(starts + length)
    return _joined(found), _joined(places), _joined(lasts)


def _word_grams(is_word: NDArray[np.bool_], sums: NDArray[np.uint64]) -> _Places:
    """One to three words in a row, whatever stands between them."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate(([False], is_word, [False])).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    words = _hashes(sums, starts, ends) * np.uint64(_MIX)
    found, places, lasts, phrase = [], [], [], words
    for length in WORD_LENGTHS:
        if len(starts) < length:
            break
        if length > 1:
            phrase = (phrase[:-1] ^ (phrase[:-1] >> np.uint64(29))) * np.uint64(_BASE) + words[length - 1 :]
        found.append(_bucket(phrase, 16 + length, N_WORD_BUCKETS) + N_CHAR_BUCKETS)
        places.append(starts[: len(phrase)])
        lasts.append(ends[length - 1 :])
    return _joined(found), _joined(places), _joined(lasts)


def _hashes(
    sums: NDArray[np.uint64], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """Of the text from each start to its end, wherever it stands."""
    return (sums[ends] - sums[starts]) * _powers(_INVERSE, len(sums))[starts]


def _bucket(hashes: NDArray[np.uint64], salt: int, n_buckets: int) -> NDArray[np.int64]:
    import numpy as np

    mixed = (hashes ^ (hashes >> np.uint64(31)) ^ np.uint64(salt * 0x51ED270B)) * np.uint64(_MIX)
    return (mixed >> np.uint64(64 - n_buckets.bit_length() + 1)).astype(np.int64)


def _joined(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    import numpy as np

    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _powers(base: int, n: int) -> NDArray[np.uint64]:
    return _powers_up_to(base, max(4_096, 1 << n.bit_length()))[:n]


@lru_cache(maxsize=8)
def _powers_up_to(base: int, n: int) -> NDArray[np.uint64]:
    import numpy as np

    factors = np.full(n, base, dtype=np.uint64)
    factors[0] = 1
    return np.cumprod(factors, dtype=np.uint64)


@lru_cache(maxsize=1)
def _word_table() -> NDArray[np.bool_]:
    """Whether a code point is a letter or digit; those above 0xFFFF count as 0xFFFF, which is none."""
    import numpy as np

    return np.array([chr(i).isalnum() or i == ord("_") for i in range(0x10000)])


@lru_cache(maxsize=1)
def _fold_table() -> NDArray[np.int64]:
    import numpy as np

    def fold(code: int) -> int:
        char = chr(code)
        return _SPACE if char.isspace() else ord("0") if char.isdecimal() else code

    return np.array([fold(i) for i in range(0x10000)], dtype=np.int64)
