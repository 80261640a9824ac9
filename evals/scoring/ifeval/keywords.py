"""keywords:* - words and letters that must or must not be there."""

from __future__ import annotations

from stepwell.evals.scoring.ifeval.arguments import Arguments
from stepwell.evals.scoring.ifeval.patterns import n_found, pattern


def existence(answer: str, given: Arguments) -> bool:
    """All keywords are there, within words too."""
    return all(pattern(keyword).search(answer) for keyword in given.texts("keywords"))


def frequency(answer: str, given: Arguments) -> bool:
    """The keyword is there often, or seldom, enough."""
    n = n_found(given.text("keyword").strip(), answer)
    return given.allows(n, relation="relation", count="frequency")


def forbidden_words(answer: str, given: Arguments) -> bool:
    """None of the words is there as a whole word."""
    words = given.texts("forbidden_words")
    return not any(pattern(word, is_whole=True).search(answer) for word in words)


def letter_frequency(answer: str, given: Arguments) -> bool:
    """The letter is there often, or seldom, enough, as a capital or not.

    Any sign counts ("#"), as in google-research's code today; older copies pick a letter by chance instead.
    """
    n = answer.lower().count(given.text("letter").strip().lower())
    return given.allows(n, relation="let_relation", count="let_frequency")
