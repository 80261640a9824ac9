"""Sentences of a document that speak to whoever reads it for somebody: planted instructions.

A document (retrieved text, a tool's result) tells; it does not ask an assistant to do things. So a sentence that
reads like a prompt is suspicious there, the more the less the rest of the document reads like one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.guards.learned.head import Head
from stepwell.guards.learned.windows import sentences

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.guards.context import Embed

N_EMBEDDED = 4
"""How many of the most suspicious sentences are embedded: one batch of the shipped embedder."""
REST = 0.5
"""Share of the document's mean that is taken off each sentence's n-gram score."""
N_TYPICAL, PER_E = 40, 0.5
"""Of more sentences than that the worst is worse by chance: so much is taken off for each factor e."""
_MIN_LETTERS = 4


@dataclass(frozen=True, slots=True)
class Planted:
    """The worst sentence of a document.

    Attributes:
        grams, vector: Its log-odds by n-grams (less the rest's) and by its embedding; vector is None without one.
    """

    start: int
    end: int
    grams: float
    vector: float | None


def worst_sentences(head: Head, text: str, embed: Embed | None = None) -> list[Planted]:
    """The most suspicious sentences of a document, at most N_EMBEDDED; all with embeddings or none."""
    import numpy as np

    spans = readable(text)
    if not spans:
        return []
    scores = head.grams.of_spans(text, spans)
    scores = scores - REST * scores.mean() - PER_E * math.log(max(len(spans) / N_TYPICAL, 1))
    picked = np.argsort(-scores, kind="stable")[:N_EMBEDDED]
    vectors = _vectors(head, [text[spans[i][0] : spans[i][1]] for i in picked], embed)
    return [
        Planted(spans[i][0], spans[i][1], float(scores[i]), None if vectors is None else float(vectors[n]))
        for n, i in enumerate(picked)
    ]


def worst_sentence(head: Head, text: str, embed: Embed | None = None) -> tuple[float, int, int] | None:
    """Score 0..1 and span of the most suspicious sentence; None where the text has no words.

    Args:
        embed: Used for N_EMBEDDED sentences where given; blocks.
    """
    scored = [(head.scored(s.grams, s.vector), s.start, s.end) for s in worst_sentences(head, text, embed)]
    return max(scored, default=None, key=lambda found: found[0])


def readable(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences with a few letters, without white space around them."""
    spans = []
    for start, end in sentences(text):
        piece = text[start:end]
        if sum(map(str.isalpha, piece)) >= _MIN_LETTERS:
            spans.append((start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())))
    return spans


def _vectors(head: Head, texts: list[str], embed: Embed | None) -> NDArray[np.float32] | None:
    return None if embed is None or head.vector is None else head.vector.scores(embed(texts))
