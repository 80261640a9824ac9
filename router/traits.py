"""Cheap text features of an ask: what a learned policy reads beside the embedding, or in its place."""

from __future__ import annotations

import hashlib
import math
import re
import string
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from stepwell.base.courtesies import without_courtesies
from stepwell.router.features import Ask, read_ask
from stepwell.router.words import WORDS, has_any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_VERSION = 2  # raise it where a trait's meaning changes: policies learnt on the old one are then refused
_LISTS: Mapping[str, frozenset[str]] = {
    "arithmetic": WORDS["arithmetic"],
    "reasoning": WORDS["analysis"] | WORDS["explaining"] | {"because", "therefore", "why", "if", "must"},
    "creating": WORDS["creating"],
    "code": WORDS["code"] | WORDS["hard_code"],
    "facts": WORDS["factual"],
    "law": WORDS["law"],
    "medicine": WORDS["medicine"],
    "negation": frozenset({
        "not", "no", "never", "none", "neither", "nor", "except", "incorrect", "false", "without", "cannot", "least",
    }),
    "maths": WORDS["maths"] | WORDS["proof"] | WORDS["deep"],
    "simple": WORDS["labelling"] | WORDS["rewrite"] | WORDS["extraction"] | WORDS["summary"]
    | WORDS["translation"] | WORDS["greeting"],
}  # fmt: skip
_COUNTS = (
    "log_chars", "log_words", "log_numbers", "log_full_stops", "log_largest_number", "log_longest_sentence",
    "numbers_per_word", "question_marks", "newlines", "backslashes", "equals", "percents", "slashes", "commas",
    "underscores", "quotes", "ellipses", "code_brackets", "kinds_of_maths_signs", "is_code", "has_options",
    "is_not_ascii", "is_fill_in", "mean_word_letters", "share_of_letters", "share_of_distinct_words",
    "long_words_per_word",
)  # fmt: skip
TRAITS: tuple[str, ...] = (
    *_COUNTS,
    *(f"{name}_share" for name in _LISTS),
    *(f"is_{name}" for name in _LISTS),
)


def _hash() -> str:
    lists = [f"{name}:{' '.join(sorted(words))}" for name, words in _LISTS.items()]
    return hashlib.sha256("\n".join([str(_VERSION), *TRAITS, *lists]).encode()).hexdigest()[:16]


TRAITS_HASH = _hash()

_PLACE = {name: i for i, name in enumerate(_LISTS)}
_LISTS_OF = {
    word: tuple(_PLACE[name] for name, words in _LISTS.items() if word in words)
    for word in frozenset().union(*_LISTS.values())
}
_LISTED = frozenset(_LISTS_OF)
_N_LISTS = len(_LISTS)
_BLANKS = re.compile(" {2,}")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_OPTION_B = re.compile(r"\n[ \t]*\(?b[.):]\s")
_OPTION_C = re.compile(r"\n[ \t]*\(?c[.):]\s")
_CODE = ("```", "def ", "();", "#include", "</", "import ", "{\n", "select ")
_LETTERS = string.ascii_letters.encode()
_SENTENCE_ENDS = str.maketrans("?!\n", "...")
_ASCII_ENDS = bytes.maketrans(b"?!\n", b"...")


def traits(ask: Ask) -> NDArray[np.float32]:
    """The features of one ask, in the order of TRAITS, shape (len(TRAITS),), not scaled.

    Blank space at both ends, blanks after a blank, the case of letters and courtesies don't count.
    """
    return traits_of(asked(ask))


def traits_of(ask: Ask) -> NDArray[np.float32]:
    """As `traits`, of an ask whose courtesies were left out before."""
    return np.array(_counts(ask) + _list_shares(ask), dtype=np.float32)


def asked(ask: Ask) -> Ask:
    """The ask without courtesies, read anew where there are some."""
    text = without_courtesies(ask.text)
    return ask if text == ask.text.strip() else read_ask(text, vector=ask.vector)


def _counts(ask: Ask) -> list[float]:
    text, words = _single_spaced(ask.text.strip()), ask.words
    n_words = len(words) or 1
    letters = list(map(len, words))
    numbers = _numbers(text)
    count = text.count
    signs = [count("$"), count("\\"), count("^"), count("=")]
    log = math.log1p
    return [
        log(len(text)),
        log(len(words)),
        log(len(numbers)),
        log(count(".")),
        log(max(numbers, default=0.0)),
        log(_longest_sentence(text)),
        len(numbers) / n_words,
        log(count("?")),
        log(count("\n")),
        log(signs[1]),
        log(signs[3]),
        log(count("%")),
        log(count("/")),
        log(count(",")),
        log(count("_")),
        log(count('"') + count("'")),
        log(count("...")),
        log(count("{") + count("}") + count("[") + count("]") + count(";")),
        4 - signs.count(0),
        _has_code(ask.lower),
        _has_options(ask.lower),
        not text.isascii(),
        "__" in text or "blank" in ask.vocabulary,
        sum(letters) / n_words,
        _share_of_letters(text),
        len(ask.vocabulary) / n_words,
        sum([n > 8 for n in letters]) / n_words,
    ]


def _single_spaced(text: str) -> str:
    return _BLANKS.sub(" ", text) if "  " in text else text


def _numbers(text: str) -> list[float]:
    # larger ones are names, not amounts; float() of thousands of digits would be infinite
    return [min(float(n[:16]), 1e12) for n in _NUMBER.findall(text)]


def _has_code(lower: str) -> bool:
    return has_any(lower, _CODE)


def _has_options(lower: str) -> bool:
    b = _OPTION_B.search(lower) if "\n" in lower else None
    return b is not None and _OPTION_C.search(lower, b.end()) is not None


def _share_of_letters(text: str) -> float:
    raw = text.encode("utf-8", "replace")
    return (len(raw) - len(raw.translate(None, _LETTERS))) / (len(raw) or 1)


def _longest_sentence(text: str) -> int:
    if text.isascii():  # bytes take half the time
        return max(map(len, text.encode().translate(_ASCII_ENDS).split(b".")))
    return max(map(len, text.translate(_SENTENCE_ENDS).split(".")))


def _list_shares(ask: Ask) -> list[float]:
    """Share of the distinct words on each list, then whether there is any."""
    counts = [0] * _N_LISTS
    for word in _LISTED & ask.vocabulary:
        for place in _LISTS_OF[word]:
            counts[place] += 1
    n = len(ask.vocabulary) or 1
    return [c / n for c in counts] + [float(c > 0) for c in counts]
