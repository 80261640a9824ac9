"""Attacks within other text: ordinary words around them hide them from whoever reads the whole, so pieces are read."""

from __future__ import annotations

import math

from stepwell.guards.learned.gram_head import GramHead
from stepwell.guards.learned.windows import sentences

N_SHORT_CHARS = 150
"""Texts up to this length are read as a whole only."""
N_PIECE_CHARS = 60
"""Shorter sentences say too little: they are read with what follows them."""
N_PARAGRAPH_CHARS = 40
"""So much before a blank line, or at the end, is read alone."""
PER_E = 0.3
"""Of more pieces the worst is worse by chance: so much is taken off its log-odds for each factor e."""


def worst_piece(grams: GramHead, text: str) -> tuple[float, int, int] | None:
    """Log-odds, less what chance gives, and span of the piece whose n-grams say most; None for a short text.

    Raises:
        TimeoutError: As `in_time`.
    """
    if len(text) <= N_SHORT_CHARS:
        return None
    spans = pieces(text)
    scores = grams.of_spans(text, spans)
    worst = int(scores.argmax())
    return (float(scores[worst]) - PER_E * math.log(len(spans)), *spans[worst])


def pieces(text: str) -> list[tuple[int, int]]:
    """Spans of sentences, short ones joined to the next; by rising start, together they cover the text.

    A blank line ends a piece, too: what is short before it is joined to what precedes it.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for _, end in sentences(text):
        is_blank = text.count("\n", max(start, end - 4), end) > 1
        if end - start >= (N_PARAGRAPH_CHARS if is_blank else N_PIECE_CHARS):
            spans.append((start, end))
            start = end
        elif is_blank and spans:
            spans[-1] = (spans[-1][0], end)
            start = end
    if len(text) - start >= N_PARAGRAPH_CHARS:
        return [*spans, (start, len(text))]
    if start == len(text):
        return spans
    first = spans.pop()[0] if spans else 0  # what little is left at the end goes with what precedes it
    return [*spans, (first, len(text))]
