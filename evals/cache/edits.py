"""Pairs made by rules: one edit of a sentence, of which it is known whether the answer stays the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from stepwell.evals.cache import edits_changing as changing
from stepwell.evals.cache import edits_harmless as harmless

Edit = Callable[[str, random.Random], str | None]


@dataclass(frozen=True, slots=True)
class EditedPair:
    """Two prompts, and whether one answer does for both."""

    cached_query: str
    query: str
    same: bool
    kind: str


def edited_pairs(texts: Iterable[str], *, seed: int, per_text: int = 2) -> Iterator[EditedPair]:
    """Edit each text by some of the rules that fit it; which ones is drawn from the seed and the text."""
    for text in texts:
        rng = random.Random(f"{seed} {text}")
        made = [(text, edited, kind, False) for kind, edited in _some(text, CHANGING, rng, per_text)]
        made += [(text, edited, kind, True) for kind, edited in _some(text, HARMLESS, rng, per_text)]
        if rng.random() < 0.35 and made and not made[0][3] and (other := harmless.several(text, rng)):
            made.append((other, made[0][1], made[0][2], False))  # a change among harmless edits is one still
        for a, b, kind, same in made:
            yield EditedPair(*((a, b) if rng.random() < 0.5 else (b, a)), same, kind)


def _some(text: str, rules: dict[str, Edit], rng: random.Random, n: int) -> list[tuple[str, str]]:
    """A rare rule comes before one that fits everything."""
    fitting = [(kind, made) for kind, rule in rules.items() if (made := rule(text, rng)) and made != text]
    fitting.sort(key=lambda item: rng.random() * (3 if item[0] in _COMMON else 1))
    return fitting[:n]


CHANGING: dict[str, Edit] = {
    "neg_number": changing.number,
    "neg_number_word": changing.number_word,
    "neg_unit": changing.unit,
    "neg_date": changing.date,
    "neg_entity": changing.entity,
    "neg_name": changing.any_name,
    "neg_negation": changing.negation,
    "neg_antonym": changing.opposite,
    "neg_opposite": changing.wordnet_opposite,
    "neg_function": changing.function_word,
    "neg_kin": changing.kin,
    "neg_role": changing.role,
    "neg_modifier": changing.telling,
    "neg_scope": changing.narrowed,
}
HARMLESS: dict[str, Edit] = {
    "pos_polite": harmless.polite,
    "pos_format": harmless.layout,
    "pos_typo": harmless.typo,
    "pos_contraction": harmless.shortened,
    "pos_numformat": harmless.number_form,
    "pos_synonym": harmless.synonym,
    "pos_unitform": harmless.unit_form,
    "pos_word": harmless.harmless_word,
    "pos_exchanged": harmless.exchanged,
    "pos_opening": harmless.reworded,
    "pos_small": harmless.small_word,
    "pos_several": harmless.several,
}
_COMMON = {
    "neg_negation",
    "neg_kin",
    "neg_modifier",
    "neg_opposite",
    "pos_polite",
    "pos_format",
    "pos_typo",
    "pos_word",
}
