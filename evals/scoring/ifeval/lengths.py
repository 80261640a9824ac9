"""length_constraints:* - how many words, sentences, paragraphs."""

from __future__ import annotations

import re

from stepwell.evals.scoring.ifeval.arguments import Arguments
from stepwell.evals.scoring.ifeval.sentences import n_sentences
from stepwell.evals.scoring.ifeval.words import n_words

_DIVIDER = re.compile(r"\s?[*]{3}\s?")
_WORD_ENDS = re.compile(r"[.,?!'\"]")


def number_words(answer: str, given: Arguments) -> bool:
    """Words enough, or few enough."""
    return given.allows(n_words(answer), relation="relation", count="num_words")


def number_sentences(answer: str, given: Arguments) -> bool:
    """Sentences enough, or few enough."""
    return given.allows(n_sentences(answer), relation="relation", count="num_sentences")


def number_paragraphs(answer: str, given: Arguments) -> bool:
    """Exactly so many paragraphs, divided by ***; an empty one is allowed first and last only."""
    is_full = [bool(part.strip()) for part in _DIVIDER.split(answer)]
    return all(is_full[1:-1]) and sum(is_full) == given.count("num_paragraphs")


def nth_paragraph_first_word(answer: str, given: Arguments) -> bool:
    """Exactly so many paragraphs, divided by an empty line, and the nth begins with the word.

    The nth is counted with empty ones, as the reference does.
    """
    parts = [part.strip() for part in answer.split("\n\n")]
    n_full = sum(map(bool, parts))
    nth = int(given.count("nth_paragraph"))
    if not 1 <= nth <= n_full or not parts[nth - 1]:
        return False
    first = _WORD_ENDS.split(parts[nth - 1].split()[0].lstrip("'").lstrip('"'), maxsplit=1)[0]
    # letter by letter: a capital may become two letters
    is_word = "".join(map(str.lower, first)) == given.text("first_word").lower()
    return is_word and n_full == given.count("num_paragraphs")
