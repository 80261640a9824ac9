"""What a text's words are, for search: without case, endings and words that stand in any sentence."""

from __future__ import annotations

import re
from functools import lru_cache

# Letters and digits of any script. Scripts written without blanks are read by pairs of signs.
_WORD = re.compile(r"[^\W_]+(?:['\u2019](?=[^\W_])[^\W_]+)?")
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"
)
_POSSESSIVE = re.compile(r"['\u2019]s?$")
_STOP_WORDS = """
    a an the and or but if so because as than then that this these those there here it its i me my mine we
    us our ours you your yours he him his she her hers they them their theirs who whom whose what which when
    where why how is am are was were be been being do does did doing done have has had having will would
    shall should can could may might must not no nor to of in on at by for from with about into onto up out
    off over just also too very really some any all s t don didn doesn isn wasn ve ll re m d i'm i've i'll
    i'd it's that's don't didn't doesn't isn't wasn't you're we're they're can't won't
"""
_STOP = frozenset(_STOP_WORDS.split())
_ENDINGS = ("edly", "ing", "ies", "ed", "es", "ly", "s")
_MAX_CHARS = 40  # what is longer is no word: a hash, an address, encoded data


def terms(text: str) -> list[str]:
    """Its content words in order, each reduced to its stem; none for a text of stop words alone."""
    found = []
    for match in _WORD.finditer(text.lower()):
        word = match.group()
        if word.isascii():
            if (term := _term(word)) is not None:
                found.append(term)
        else:
            found += _foreign(word)
    return found


@lru_cache(maxsize=50_000)
def _term(word: str) -> str | None:
    if word in _STOP or len(word) > _MAX_CHARS:
        return None
    word = _POSSESSIVE.sub("", word)
    return None if word in _STOP or not word else _stem(word)


def _stem(word: str) -> str:
    """Crude suffix stripping: the same for most forms of a word, and three letters stay."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            root = word[: -len(ending)]
            if ending == "ies":
                return root + "y"
            is_doubled = len(root) > 3 and root[-1] == root[-2] and root[-1] not in "lsz" and ending != "s"
            return root[:-1] if is_doubled else _without_e(root)
    return _without_e(word)


def _without_e(word: str) -> str:
    return word[:-1] if len(word) > 3 and word[-1] == "e" else word


def _foreign(word: str) -> list[str]:
    found = []
    end = 0
    for run in _UNSPACED.finditer(word):
        found += _short(word[end : run.start()])
        signs = run.group()
        found += [signs[i : i + 2] for i in range(max(len(signs) - 1, 1))]
        end = run.end()
    return found + _short(word[end:])


def _short(word: str) -> list[str]:
    if not word or len(word) > _MAX_CHARS:
        return []
    term = _term(word.replace("\u2019", "'"))
    return [] if term is None else [term]


def is_stop(word: str) -> bool:
    """Whether it stands in any sentence, whatever that is about."""
    return word in _STOP
