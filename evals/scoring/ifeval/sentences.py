"""Sentences as Punkt divides them (Kiss and Strunk 2006, Computational Linguistics 32:485-525).

In NLTK's reading of the method, as of 3.10.2 (older ones end no sentence before a curly quote), for IFEval
counts sentences with it. What the method learns from a corpus (which words are abbreviations, which are written
small) is in `english`: NLTK's own model of English has no clear licence, so it doesn't ship here.
"""

from __future__ import annotations

import importlib
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import NamedTuple, cast

from stepwell.evals.scoring.ifeval.english import Known, english

_CLOSERS = r"""'"‘’“”«»)\]}"""
_INSIDE = ",:;.!?"
_NUMBER = "##number##"


class _Patterns(NamedTuple):
    """`end`: a sign that may end a sentence, and what follows; `tokens`; `closing`: what still belongs to it."""

    end: re.Pattern[str]
    tokens: re.Pattern[str]
    closing: re.Pattern[str]
    number: re.Pattern[str]
    initial: re.Pattern[str]
    ellipsis: re.Pattern[str]


@cache
def _patterns() -> _Patterns:
    # `regex`, not `re`: what is a letter differs outside of Latin, and the reference runs on `regex`
    compiled = importlib.import_module("regex").compile

    def new(pattern: str, flags: int = 0) -> re.Pattern[str]:
        return cast("re.Pattern[str]", compiled(pattern, flags))

    apart = rf"[{_CLOSERS}(\[{{;:*@?!]"
    many = r"(?:-{2,}|\.{2,}|(?:\.\s){2,}\.)"
    word = rf"(?![(\"`{{\[:;&#*@)}}\]\-,])\S+?(?=\s|$|{apart}|{many}|,(?:$|\s|{apart}|{many}))"
    return _Patterns(
        end=new(rf"[.?!](?=(?P<after>{apart}|\s+(?P<next>\S+)))"),
        tokens=new(rf"{many}|{word}|\S"),
        closing=new(rf"[{_CLOSERS}]+?(?:\s+|(?=--)|$)", re.MULTILINE),
        number=new(r"-?[.,]?\d[\d,.\-]*$"),
        initial=new(r"[^\W\d]\.$"),
        ellipsis=new(r"\.\.+$"),
    )


def n_sentences(text: str) -> int:
    """How many sentences a text has."""
    return len(sentences(text))


def sentences(text: str, known: Known | None = None) -> list[str]:
    """The sentences of a text, in order, without the white space between them."""
    spans = list(_spans(text, known or english()))
    found: list[str] = []
    shift = 0
    for (start, stop), (after, end) in pairwise([*spans, (len(text), len(text))]):
        closing = _patterns().closing.match(text[after:end])
        if closing:
            found.append(text[start + shift : after + len(closing[0].rstrip())])
        elif start + shift < stop:
            found.append(text[start + shift : stop])
        shift = closing.end() if closing else 0
    return found


def _spans(text: str, known: Known) -> Iterator[tuple[int, int]]:
    start = 0
    for end, context in _possible_ends(text):
        if _ends_within(context, known):
            yield start, end.end()
            start = end.end() if end["next"] is None else end.start("next")
    yield start, len(text.rstrip())


def _possible_ends(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Each sign that may end a sentence, with the word before it and the one behind; one to a word."""
    word, at, last = 0, 0, None
    for end in _patterns().end.finditer(text):
        space = max(text.rfind(sign, at, end.start()) for sign in string.whitespace)
        next_word = space + 1 if space > at else word
        if last is not None and at <= next_word:
            yield last, text[word:at] + last[0] + last["after"]
        word, at, last = next_word, end.start(), end
    if last is not None:
        yield last, text[word:at] + last[0] + last["after"]


@dataclass(slots=True)
class _Token:
    text: str
    kind: str
    is_break: bool = False
    is_short: bool = False  # an abbreviation or an ellipsis

    @property
    def kind_in_sentence(self) -> str:
        return _no_point(self.kind) if self.is_break else self.kind


def _no_point(kind: str) -> str:
    return kind[:-1] if len(kind) > 1 and kind.endswith(".") else kind


def _ends_within(context: str, known: Known) -> bool:
    """A sentence ends in the context, and something follows."""
    tokens = [
        _token(found, known) for line in context.split("\n") for found in _patterns().tokens.findall(line)
    ]
    return any(_is_break(token, following, known) for token, following in pairwise(tokens))


def _token(text: str, known: Known) -> _Token:
    """First pass: by the word alone."""
    low = text.lower()
    token = _Token(text, _NUMBER if _patterns().number.match(low) else low)
    if text in (".", "?", "!"):
        token.is_break = True
    elif _patterns().ellipsis.match(text):
        token.is_short = True
    elif text.endswith(".") and not text.endswith(".."):
        bare = low[:-1]
        token.is_short = bare in known.abbreviations or bare.rsplit("-", 1)[-1] in known.abbreviations
        token.is_break = not token.is_short
    return token


def _is_break(token: _Token, following: _Token, known: Known) -> bool:
    """Second pass: by the word that follows."""
    if not token.text.endswith("."):
        return token.is_break
    kind, next_kind = _no_point(token.kind), following.kind_in_sentence
    is_initial = bool(_patterns().initial.match(token.text))
    if (kind, next_kind) in known.pairs:
        return False
    starts = _starts_sentence(following, next_kind, known)
    is_capital = following.text[0].isupper()
    if token.is_short and not is_initial and (starts or (is_capital and next_kind in known.starters)):
        return True
    if is_initial or kind == _NUMBER:
        is_name = is_initial and starts is None and is_capital and not known.is_seen_small(next_kind)
        return token.is_break and starts is not False and not is_name
    return token.is_break


def _starts_sentence(token: _Token, kind: str, known: Known) -> bool | None:
    """By its case, the token can only stand first (True), only further on (False), or either (None)."""
    if token.text in _INSIDE:
        return False
    if token.text[0].isupper() and known.is_first_when_capital(kind):
        return True
    if token.text[0].islower() and not known.may_start_small(kind):
        return False
    return None
