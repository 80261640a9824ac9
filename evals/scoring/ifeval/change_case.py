"""change_case:* - capitals and small letters."""

from __future__ import annotations

from stepwell.evals.scoring.ifeval.arguments import Arguments
from stepwell.evals.scoring.ifeval.language import language
from stepwell.evals.scoring.ifeval.words import n_capital_words


def capital_word_frequency(answer: str, given: Arguments) -> bool:
    """Words in capitals are there often, or seldom, enough."""
    return given.allows(n_capital_words(answer), relation="capital_relation", count="capital_frequency")


def english_capital(answer: str, given: Arguments) -> bool:
    """English, and no small letter."""
    return answer.isupper() and language(answer) in ("en", None)


def english_lowercase(answer: str, given: Arguments) -> bool:
    """English, and no capital."""
    return answer.islower() and language(answer) in ("en", None)
