"""Learn the head that tells prompts that attack (override, hijack, extract, jailbreak) from honest ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.evals.guards.fit import counts, even_weights, fit_grams, fit_vector, gram_scores
from stepwell.evals.guards.rows import Row
from stepwell.guards.learned.gram_head import GramHead
from stepwell.guards.learned.head import VectorHead
from stepwell.guards.learned.within import worst_piece

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Embed = Callable[[Sequence[str]], "NDArray[np.float32]"]
ATTACKS = ("jailbreak", "prompt_extraction", "injection")
IN_DOCUMENTS = "indirect_injection_document"
JOINED = "own_joined"
"""Source of texts that `joined` makes; whoever leaves own_w1 or own_w3 out leaves them out, too."""
PASTED = "benign_piece"
"""Category of code, manuals and letters, a piece each, as somebody pastes them."""
NO_PIECE = -20.0
_N_ATTACKS_ONLY, _N_ATTACK_IN_HONEST, _N_HONEST = 150, 200, 350
_MAX_SHORT_CHARS = 600
VECTOR_SHARE = 0.4
"""Weight of the embedding's part in the sum, the n-grams' being 1, both in standard deviations on the training rows."""


def is_prompt_row(row: Row) -> bool:
    """Whether the prompt head learns from such a row: documents and harmful asks are others' matter."""
    if row.source == "own_w2" or row.category == "benign_document":
        return False
    return not row.label or row.category in ATTACKS or row.source in ("own_w1", JOINED)


def joined(own: Sequence[Row], seed: int = 0) -> list[Row]:
    """Longer texts from own ones: attacks after attacks, an attack before or after an honest prompt, honest ones.

    So length says nothing, and one part that attacks is enough.
    """
    draw = random.Random(seed)
    attacks = [r.text for r in own if r.source == "own_w1" and r.label]
    honest = [r.text for r in own if r.source == "own_w3"]
    short = [t for t in honest if len(t) < _MAX_SHORT_CHARS]
    if not attacks or not short:
        return []
    made = [draw.choices(attacks, k=draw.randint(2, 4)) for _ in range(_N_ATTACKS_ONLY)]
    for _ in range(_N_ATTACK_IN_HONEST):
        pair = [draw.choice(attacks), draw.choice(honest)]
        draw.shuffle(pair)
        made.append(pair)
    made += [draw.choices(short, k=draw.randint(2, 6)) for _ in range(_N_HONEST)]
    return [Row("\n".join(t), JOINED, "own", i < len(made) - _N_HONEST) for i, t in enumerate(made)]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What was learned, before it is scaled to 0..1.

    Attributes:
        shares: Factors of the n-grams' and the embedding's log-odds in their sum.
    """

    grams: GramHead
    vector: VectorHead
    shares: tuple[float, float]

    def both(self, by_grams: NDArray[np.float64], by_vector: NDArray[np.float32]) -> NDArray[np.float64]:
        """The sum, shape (n,)."""
        return self.shares[0] * by_grams + self.shares[1] * by_vector


def learn_prompts(rows: Sequence[Row], embed: Embed) -> Parts:
    """Learn from every row given; `is_prompt_row` picks them."""
    import numpy as np

    texts, labels = [r.text for r in rows], np.array([r.label for r in rows])
    weights = even_weights([r.source for r in rows], labels)
    counted, vectors = counts(texts), embed(texts)
    grams = fit_grams(counted, labels, weights, inverse_penalty=4.0)
    vector = fit_vector(vectors, labels, weights)
    spreads = gram_scores(grams, counted).std(), vector.scores(vectors).std()
    return Parts(grams, vector, (1.0, VECTOR_SHARE * float(spreads[0] / spreads[1])))


def prompt_scores(parts: Parts, texts: Sequence[str], embed: Embed) -> NDArray[np.float64]:
    """Log-odds by n-grams alone, by both, and of the worst piece (NO_PIECE for short texts), shape (n texts, 3)."""
    import numpy as np

    by_grams = gram_scores(parts.grams, counts(texts))
    found = [worst_piece(parts.grams, text) for text in texts]
    by_piece = np.array([NO_PIECE if piece is None else piece[0] for piece in found])
    return np.stack([by_grams, parts.both(by_grams, parts.vector.scores(embed(texts))), by_piece], axis=1)
