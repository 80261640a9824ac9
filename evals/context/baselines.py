"""What recall is measured beside: other ways to score turns, through the same fill."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

RECENT_SHARE = 0.25
_K1, _B = 1.2, 0.75
_RRF_K = 20
_WORD = re.compile(r"\w+")
_STOP_WORDS = """
a an and are as at be been but by can could did do does for from had has have he her him his how i if in is it its me
my of on or our she so that the their them they this to was we were what when where which who whom why will with would
you your
"""
_STOP = frozenset(_STOP_WORDS.split())


class Bm25:
    """Okapi BM25 (Robertson & Zaragoza 2009) over stemless lower-cased words."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._counts = [Counter(_words(text)) for text in texts]
        self._sizes = [sum(counts.values()) for counts in self._counts]
        self._mean = max(sum(self._sizes) / max(len(texts), 1), 1.0)
        df: Counter[str] = Counter(word for counts in self._counts for word in counts)
        n = len(texts)
        self._idf = {word: math.log1p((n - d + 0.5) / (d + 0.5)) for word, d in df.items()}

    def scores(self, text: str) -> Floats:
        """Of each text, shape (n,)."""
        import numpy as np

        asked = set(_words(text))
        return np.array([self._score(i, asked) for i in range(len(self._counts))], dtype=np.float32)

    def _score(self, i: int, asked: set[str]) -> float:
        counts = self._counts[i]
        damped = _K1 * (1 - _B + _B * self._sizes[i] / self._mean)
        return sum(self._idf[w] * counts[w] * (_K1 + 1) / (counts[w] + damped) for w in asked if w in counts)


def fused(*scores: Floats) -> Floats:
    """Reciprocal rank fusion (Cormack, Clarke & Büttcher 2009)."""
    import numpy as np

    made = np.zeros(len(scores[0]), dtype=np.float32)
    for one in scores:
        ranks = np.empty(len(one))
        ranks[np.argsort(-one, kind="stable")] = np.arange(len(one))
        made += (1 / (_RRF_K + 1 + ranks)).astype(np.float32)
    return made


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if word not in _STOP]
