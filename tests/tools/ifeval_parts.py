"""What made answers are made of: words, prose, and the arguments of an instruction."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

WORDS = (
    *(
        "river",
        "stone",
        "early",
        "market",
        "quiet",
        "yellow",
        "garden",
        "follow",
        "seldom",
        "window",
        "bread",
        "harbour",
    ),
    *(
        "number",
        "people",
        "carry",
        "winter",
        "letter",
        "small",
        "because",
        "under",
        "table",
        "morning",
        "open",
        "never",
    ),
    *("simple", "road", "about", "learn", "island", "paper", "often", "voice"),
)
_ENDS = (". ", ". ", ". ", "! ", "? ", "... ", '." ', ".) ", ".\n", ".\n\n", ".” ", "?! ", " - ", ": ", "; ")
_STARTS = (
    "The",
    "A",
    "However, the",
    "In the U.S. the",
    "Mr. Smith's",
    "At 5 p.m. the",
    "E.g. the",
    "“The",
    "1. The",
)
Given = Mapping[str, object]


def forms_of(divided: str) -> list[str]:
    return divided.split("|")


def sentence(chance: random.Random, n_words: int = 7) -> str:
    return f"{chance.choice(_STARTS)} {' '.join(chance.choices(WORDS, k=n_words))}"


def prose(chance: random.Random, n_sentences: int = 6) -> str:
    return "".join(sentence(chance) + chance.choice(_ENDS) for _ in range(n_sentences))


def near(given: Given, name: str) -> Sequence[int]:
    wanted = int(float(str(given[name])))
    return [max(0, wanted + by) for by in (-2, -1, 0, 1, 3)]


def text_of(given: Given, name: str) -> str:
    return str(given[name])


def texts_of(given: Given, name: str) -> list[str]:
    found = given[name]
    assert isinstance(found, list)
    return [str(one) for one in found]
