"""Learn the head that finds sentences planted in documents.

What reads like a prompt stands for what is planted: instructions written for the purpose, direct attacks, and honest
prompts too (in somebody's mail, "Explain photosynthesis" is as foreign as "Ignore the above"). What documents say,
sentence by sentence, stands for the rest.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from stepwell.evals.guards.fit import counts, even_weights, fit_grams, fit_plane, gram_scores
from stepwell.evals.guards.prompts import IN_DOCUMENTS, Embed, Parts
from stepwell.evals.guards.rows import Row
from stepwell.guards.learned.documents import readable, worst_sentences
from stepwell.guards.learned.head import Head, Mix, Scale

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Plain = Mapping[str, Sequence[str]]
PROMPT_KINDS = ("chat", "coding", "writing", "math", "knowledge", "translate", "roleplay")
_MAX_ATTACK_CHARS, _MAX_PROMPT_CHARS = 500, 300
_N_OF_TEXT, _N_OF_EACH_PLAIN = 3, 700
VECTOR_SHARE = 0.8


def learn_planted(rows: Sequence[Row], plain: Plain, embed: Embed) -> Parts:
    """Learn from prompts and documents.

    Args:
        rows: Attacks, honest prompts, documents with and without planted text.
        plain: Honest documents by kind: code, manuals, letters. Of each kind as many sentences are read.
    """
    import numpy as np

    told = [("plain", s) for texts in plain.values() for s in _some(texts)] + [
        found for row in rows for found in _told(row)
    ]
    asked = [found for row in rows for found in _asked(row)] + _planted(rows)
    found = list(dict.fromkeys(told)) + list(dict.fromkeys(asked))
    labels = np.arange(len(found)) >= len(dict.fromkeys(told))
    weights = even_weights([source for source, _ in found], labels)
    texts = [text for _, text in found]
    counted, vectors = counts(texts), embed(texts)
    grams = fit_grams(counted, labels, weights, inverse_penalty=2.0)
    vector = fit_plane(vectors, labels, weights)
    spread = gram_scores(grams, counted).std() / vector.scores(vectors).std()
    return Parts(grams, vector, (1.0, VECTOR_SHARE * float(spread)))


def planted_scores(parts: Parts, texts: Sequence[str], embed: Embed) -> NDArray[np.float64]:
    """Log-odds of each document's worst sentence by n-grams alone and by both, shape (n texts, 2)."""
    import numpy as np

    head = Head(parts.grams, (Mix(1, 0, 0), Scale()), parts.vector)
    made = np.full((len(texts), 2), -20.0)
    for i, text in enumerate(texts):
        worst = worst_sentences(head, text, embed)
        if worst:
            made[i, 0] = max(s.grams for s in worst)
            made[i, 1] = max(parts.shares[0] * s.grams + parts.shares[1] * (s.vector or 0.0) for s in worst)
    return made


def pieces(text: str) -> list[str]:
    """Its sentences."""
    return [text[start:end] for start, end in readable(text)]


def _told(row: Row) -> list[tuple[str, str]]:
    if row.label:
        return []
    if row.category == "benign_document" or row.source == "own_w2":
        return [(row.source, s) for s in pieces(row.text)]
    return (
        [(row.source, s) for s in pieces(row.text)[:_N_OF_TEXT]]
        if row.category == "benign_moderation"
        else []
    )


def _asked(row: Row) -> list[tuple[str, str]]:
    is_attack = row.source == "own_w1" and row.label and len(row.text) < _MAX_ATTACK_CHARS
    is_prompt = not row.label and (row.category == "benign" or row.kind in PROMPT_KINDS)
    if is_attack or (is_prompt and len(row.text) < _MAX_PROMPT_CHARS):
        return [(row.source, row.text)]
    return [(row.source, row.planted)] if row.planted else []


def _planted(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Sentences of documents with something planted that stand in no honest document of their source."""
    poisoned = [r for r in rows if r.category == IN_DOCUMENTS and not r.planted]
    honest: dict[str, set[str]] = {r.source: set() for r in poisoned}
    for row in rows:
        if row.category == "benign_document" and row.source in honest:
            honest[row.source].update(pieces(row.text))
    return [(r.source, s) for r in poisoned for s in pieces(r.text) if s not in honest[r.source]]


def _some(texts: Sequence[str]) -> list[str]:
    found = [s for text in texts for s in pieces(text)]
    return random.Random(0).sample(found, min(len(found), _N_OF_EACH_PLAIN))
