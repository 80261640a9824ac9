"""Words as IFEval counts them: by letters alone, and by the Penn Treebank's rules."""

from __future__ import annotations

import importlib
import re
from functools import cache
from typing import cast

from stepwell.evals.scoring.ifeval.sentences import sentences

_ASCII_WORD = re.compile(r"\w+", re.ASCII)
# the last point of a sentence, with what closes behind it; not one of an ellipsis
_END = re.compile(r"(?<=[^.])[.]([\])}>\"'»”’ ]*)\s*$")
_BETWEEN = re.compile(
    r"\s+|[«»“”‘’„`\";@#$%&?!*\[\](){}<>\u2012-\u2015]|--|[.]{2,}|''|[:,](?=\D|$)|(?<=[^'])'(?= )"
)
_QUOTE_WITHIN = re.compile(r"(?<!\w)'(?!(?:re|ve|ll|[mtsd])\b)(?=\w)", re.IGNORECASE)
_CLITIC = re.compile(r"(?<=[^' ])(?='[sSmMdD]?$)")
_LONG_CLITIC = re.compile(r"(?<=[^' ])(?=(?:'ll|'LL|'re|'RE|'ve|'VE|n't|N'T)$)")
_GLUED = re.compile(
    r"\b(can(?=not)|d(?='ye)|gim(?=me)|gon(?=na)|got(?=ta)|lem(?=me)|more(?='n)|wan(?=na$))"
    r"(not|'ye|me|na|ta|'n)\b",
    re.IGNORECASE,
)


@cache
def _any_word() -> re.Pattern[str]:
    # `re`, and NLTK before 3.10.3, takes a word of Hindi or Tamil apart at its vowel signs
    return cast("re.Pattern[str]", importlib.import_module("regex").compile(r"\w+"))


def n_words(text: str) -> int:
    """Runs of letters, digits and _."""
    found = _ASCII_WORD if text.isascii() else _any_word()
    return sum(1 for _ in found.finditer(text))


def n_capital_words(text: str) -> int:
    """Words with a capital and no small letter; a clitic counts by itself (IT'S is two)."""
    if text.islower():
        return 0
    return sum(_n_capital(sentence) for sentence in sentences(text))


def _n_capital(sentence: str) -> int:
    n = 0
    for piece in _BETWEEN.split(_END.sub(r" . \1 ", sentence)):
        if any(map(str.isupper, piece)):
            n += sum(token.isupper() for token in _tokens(piece))
    return n


def _tokens(piece: str) -> list[str]:
    parts = [piece]
    for divider in (_QUOTE_WITHIN, _CLITIC, _LONG_CLITIC):
        parts = [part for whole in parts for part in divider.split(whole)]
    return [token for part in parts for token in _GLUED.sub(r" \1 \2 ", part).split()]
