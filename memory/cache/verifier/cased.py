"""Pieces of a text whose case means something: word lists and the embedder read all in small letters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b

Cased = Mapping[str, tuple[str, ...]]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# units that are others in the other case; gb is as good as GB, but Gb is not
_UNIT = re.compile(
    r"(?<![$€£¥₹\d.,])\d[\d.,]*[\s-]?(?P<unit>m(?:[wvajn]|hz|pa|ev|wh|-?ohms?|[\u2126\u03c9]|(?:ega|illi)?watts?)?"
    r"|[kmgtp]b(?:ps|/s)?|(?<=\s)[gk])(?![\w'])",
    re.I,
)
_BARE_UNITS = _set("mw mv ma mj kw kv kb")
_ELEMENTS = _set(
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr "
    "Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Hf Ta W Re Os Ir Pt Au Hg Tl "
    "Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu"
)
_FORMULA = re.compile(r"(?:[A-Z][a-z]?\d*){2,}")
_ELEMENT = re.compile(r"[A-Z][a-z]?")
# in capitals they are something else; and two elements are another one in a small letter
_WORDS = _set("it who aids ice")
_COMPOUNDS = _set("co hf sn pb cu np nb")
_US = re.compile(
    r"\b(?P<land>US|USA|usa|U\.\s?S\.?(?:\s?A\b)?|[Aa]merica|[Uu]nited [Ss]tates|(?:the|in|a) us"
    r"|us (?:dollar|bank|account|citizen|visa|currency|president|government|army|card)s?)(?!\w)|\b(?P<we>us)\b"
)
_WORD = re.compile(r"(?<![\w'])[A-Za-z][A-Za-z0-9]*(?![\w'])")
_FLAG = re.compile(r"--?[A-Za-z][\w-]*")
_CODE = re.compile(r"[_\\{}@|~`]|\w\(|::|->|\w=|=\w|\$[A-Za-z]")
_KEPT_CHARS = 24
_EDGES = ".,;:!?\"'"
_OPERATORS = frozenset("=+*/^<>")


def cased(text: str) -> Cased:
    """Pieces whose case means something, each as it is written, by what they are without case.

    Units after a number, formulas, flags, code, and words that are another one in capitals; in a text that is written
    in capitals only flags and code.
    """
    is_loud = 2 * sum(map(str.isupper, text)) > sum(map(str.isalpha, text)) + 8
    found: dict[str, set[str]] = {}
    for key, raw in (*_code(text.split()), *(() if is_loud else _words(text))):
        found.setdefault(_short(key), set()).add(_short(raw))
    return {key: tuple(sorted(raws)) for key, raws in found.items()}


def clash(one: Cased, other: Cased) -> bool:
    """Whether two texts hold one piece in different cases alone."""
    return any(key in other and not set(raws).intersection(other[key]) for key, raws in one.items())


def _short(piece: str) -> str:
    return (
        piece
        if len(piece) <= _KEPT_CHARS
        else blake2b(piece.encode("utf-8", "replace"), digest_size=6).hexdigest()
    )


def _code(chunks: list[str]) -> Iterator[tuple[str, str]]:
    for i, chunk in enumerate(chunks):
        bare = chunk.strip(_EDGES)
        beside = (chunks[i - 1] if i else "", *chunks[i + 1 : i + 2])
        is_variable = len(bare) == 1 and bare.isalpha() and not _OPERATORS.isdisjoint(beside)
        if is_variable or _FLAG.fullmatch(bare) or _CODE.search(bare):
            yield bare.lower(), bare


def _words(text: str) -> Iterator[tuple[str, str]]:
    for found in _UNIT.finditer(text):
        yield _unit(found["unit"])
    for found in _US.finditer(text):
        yield "us", "US" if found["land"] else "us"
    for word in _WORD.findall(text):
        key = word.lower()
        if key in _WORDS:
            yield key, key.upper() if word.isupper() else key
        elif key in _COMPOUNDS or (key in _BARE_UNITS and not word.islower()) or _is_formula(word):
            yield key, word


def _unit(raw: str) -> tuple[str, str]:
    """A unit after a number: what counts is a small or large prefix, and for bytes the b."""
    key = raw.lower().replace("-", "").replace("\u03c9", "ohm").rstrip("s")
    if len(key) > 1 and key[1] == "b":
        return "#" + key, "bit" if raw[:2] == raw[0].upper() + "b" else "byte"
    return "#" + key, raw[0]


def _is_formula(word: str) -> bool:
    """CoCl2, COCl2: a formula whose case says which elements are meant; co2 is as good as CO2."""
    has_both = any(map(str.isdigit, word)) and any(map(str.islower, word))
    return has_both and bool(_FORMULA.fullmatch(word)) and _ELEMENTS.issuperset(_ELEMENT.findall(word))
