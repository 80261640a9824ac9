"""A text as words that can be compared: the same thing said in two forms becomes one word."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from stepwell import base
from stepwell.memory.cache.verifier import wordlists as lists
from stepwell.memory.cache.verifier.lexicon import lexicon

MAX_CHARS = 4000
MAX_WORDS = 96
RARE = 255  # of a word that no vocabulary has; idf is kept in steps of 1/25
_TOKEN = re.compile(
    r"[a-z]+\.[a-z]\b\.?|[^\W\d_]+(?:['\u2019][a-z]+)*|\d+(?:[.,:]\d+)*|[$€£¥₹%°&+*/=<>^]|-(?=\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Words:
    """A text's words in order.

    Attributes:
        forms: Normalised; numbers begin with "#".
        is_name: 1 for each word that was written as a name is.
        idf: How rare each is, 0..255.
        is_cut: Whether the text goes on after them.
    """

    forms: list[str]
    is_name: bytes
    idf: bytes
    is_cut: bool = False


def words_of(text: str) -> Words:
    """Read a text; only its first 4,000 characters and 96 words count."""
    forms: list[str] = []
    names = bytearray()
    is_cut = len(text) > MAX_CHARS
    text = text[:MAX_CHARS]
    shouts = text.isupper()
    starts = True
    end = 0
    for found in _TOKEN.finditer(text):
        token = found.group()
        starts = starts or any(c in '.?!:;"' for c in text[end : found.start()])
        is_name = token[0].isupper() and not shouts and not starts
        end, starts = found.end(), False
        for form in _forms(token.lower().replace("\u2019", "'")):
            forms.append(form)
            names.append(is_name and form not in lists.STOP)
        if len(forms) > 2 * MAX_WORDS:
            is_cut = True
            break
    forms, kept = _numbers(forms, names)
    is_cut = is_cut or len(forms) > MAX_WORDS
    forms = forms[:MAX_WORDS]
    return Words(forms, bytes(kept[:MAX_WORDS]), bytes(_rarity(f) for f in forms), is_cut)


def _forms(token: str) -> list[str]:
    if token[0].isdigit():
        return _number(token)
    known = lists.CONTRACTIONS.get(token)
    if known is not None:
        return known.split()
    stem, mark, ending = token.partition("'")
    if not mark:
        return [_form(token)]
    if ending == "t" and stem.endswith("n"):
        return [_form(stem[:-1]), "not"]
    if ending == "s" and stem not in lists.WH and stem not in ("it", "that", "there", "here", "he", "she"):
        return [_form(stem)]
    rest = lists.ENDINGS.get("'" + ending)
    return [_form(stem)] if rest is None else [_form(stem), rest]


def _number(token: str) -> list[str]:
    if ":" in token:
        hours, _, minutes = token.partition(":")
        return (
            ["#" + hours.lstrip("0")] if minutes in ("00", "") else ["#" + hours.lstrip("0"), "#:" + minutes]
        )
    if re.fullmatch(r"\d{1,3}(,\d{2,3})+(\.\d+)?", token):
        token = token.replace(",", "")
    try:
        return [_shown(float(token))]
    except ValueError:
        return ["#" + token]


def _shown(value: float) -> str:
    return f"#{value:.10g}"


def _form(word: str) -> str:
    unit = lists.UNITS.get(word)
    if (unit is not None and len(word) > 1) or word in "$€£¥₹%°":
        return unit or word
    number = lists.NUMBERS.get(word)
    if number is not None and word != "second":
        return "#" + number
    return lists.DATES.get(word, word)


def _numbers(forms: list[str], names: bytearray) -> tuple[list[str], list[int]]:
    """Join "twenty five", "5 k" and "five thousand"; move a currency sign behind its number."""
    made: list[str] = []
    kept: list[int] = []
    for form, is_name in zip(forms, names, strict=True):
        last = made[-1] if made else ""
        if last[:1] == "#" and last[1:2] != ":":
            if form in lists.MULTIPLES:
                made[-1] = _times(last, lists.MULTIPLES[form])
                continue
            if form in ("st", "nd", "rd", "th"):
                continue
            if form[:1] == "#" and (joined := _joined(last, form)):
                made[-1] = joined
                continue
            if form in ("m", "g", "l"):
                form = lists.UNITS[form]
        made.append(form)
        kept.append(is_name)
    for i, (a, b) in enumerate(pairwise(made)):
        if b[:1] == "#" and a in ("dollar", "euro", "pound", "yen", "rupee"):
            made[i], made[i + 1] = b, a
    return made, kept


def _times(number: str, by: int) -> str:
    try:
        return _shown(float(number[1:]) * by)
    except ValueError:
        return number


def _joined(a: str, b: str) -> str | None:
    """20 and 5 make 25, as when both were written out."""
    try:
        x, y = float(a[1:]), float(b[1:])
    except ValueError:
        return None
    return _shown(x + y) if 20 <= x < 100 and x % 10 == 0 and 0 < y < 10 else None


@cache
def _ranks() -> dict[str, int]:
    """MiniLM's vocabulary has the commonest words first."""
    path = Path(str(base.__file__)).with_name("minilm_vocab.txt")
    lines = path.read_text(encoding="utf-8").split("\n")
    return {word: rank for rank, word in enumerate(lines) if word.isalpha()}


def is_known(word: str) -> bool:
    return word in _ranks() or lexicon().has(word)


def _rarity(form: str) -> int:
    if form[0] == "#":
        return 180
    rank = _ranks().get(form) or _ranks().get(lexicon().lemma(form))
    if rank is None:
        return RARE
    return min(240, max(1, int(25 * (math.log(max(rank - 1990, 2)) - 0.7))))
