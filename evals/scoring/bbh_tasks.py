"""BBH's tasks: how each one is answered, and what its checker has to know of a row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

Kind = Literal["options", "words", "brackets", "number", "said", "sorted"]
_YES_NO = re.compile(r"\b(?:Yes|No|yes|no)\b")
_OPTION_TEXT = re.compile(r"\([A-Z]\)([^\n^(]*)")


class Target(msgspec.Struct, frozen=True):
    """What decides one row.

    Attributes:
        choices: Texts of the options as `options_of` reads them, for tasks with options.
        words: What is to be sorted, for word_sorting.
    """

    task: str
    answer: str
    choices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


WORDS: Mapping[str, re.Pattern[str]] = {
    "boolean_expressions": re.compile(r"\b(?:True|False)\b"),
    "causal_judgement": _YES_NO,
    "navigate": _YES_NO,
    "formal_fallacies": re.compile(r"\b(?:valid|invalid)\b"),
}
SAID: Mapping[str, tuple[re.Pattern[str], re.Pattern[str]]] = {
    "sports_understanding": (re.compile(r"\b(?:no|not plausible)\b"), re.compile(r"\b(?:yes|plausible)\b")),
    "web_of_lies": (
        re.compile(r"\b(?:no|does not tell the truth|is not telling the truth)\b"),
        re.compile(r"\b(?:yes|tells the truth|is telling the truth)\b"),
    ),
}
_NUMBERS = ("multistep_arithmetic_two", "object_counting")
_OPTIONS = (
    *("date_understanding", "disambiguation_qa", "geometric_shapes", "hyperbaton"),
    *(f"logical_deduction_{n}_objects" for n in ("three", "five", "seven")),
    *("movie_recommendation", "penguins_in_a_table", "reasoning_about_colored_objects", "ruin_names"),
    *("salient_translation_error_detection", "snarks", "temporal_sequences"),
    *(f"tracking_shuffled_objects_{n}_objects" for n in ("three", "five", "seven")),
)
TASKS: Mapping[str, Kind] = {
    **dict.fromkeys(WORDS, "words"),
    **dict.fromkeys(SAID, "said"),
    **dict.fromkeys(_NUMBERS, "number"),
    **dict.fromkeys(_OPTIONS, "options"),
    "dyck_languages": "brackets",
    "word_sorting": "sorted",
}


def options_of(question: str) -> tuple[str, ...]:
    """The texts after (A), (B), ... in a question."""
    return tuple(found.strip() for found in _OPTION_TEXT.findall(question))
