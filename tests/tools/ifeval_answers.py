"""Answers to IFEval's requests made by a program: some follow, some miss by one word, one sign, one line."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping

from tests.tools import ifeval_counted as counted
from tests.tools import ifeval_formed as formed
from tests.tools.ifeval_parts import Given
from tests.tools.ifeval_texts import ODD

_Maker = Callable[[random.Random, Given, str], list[str]]


def answers(row: Mapping[str, object], *, seed: int = 0) -> Iterator[str]:
    """Answers to a row {prompt, instruction_id_list, kwargs}: odd ones, then some for each instruction, wrapped."""
    names, given = row["instruction_id_list"], row["kwargs"]
    assert isinstance(names, list)
    assert isinstance(given, list)
    chance = random.Random(f"{seed} {row.get('key')} {row['prompt']}")
    yield from chance.sample(ODD, 8)
    for name, arguments in zip(names, given, strict=True):
        kept = {k: v for k, v in arguments.items() if v is not None}
        for answer in _MAKERS[name](chance, kept, str(row["prompt"])):
            yield answer
            yield chance.choice(_WRAPS)(answer)


_WRAPS: tuple[Callable[[str], str], ...] = (
    lambda a: f"Sure, here it is:\n\n{a}",
    lambda a: f"Sure! Here is my answer:\n{a}\nI hope, this helps!",
    lambda a: f"{a}\n\nLet me know.",
    lambda a: f"**{a}**",
    lambda a: f"*{a}*",
    lambda a: f"```\n{a}\n```",
    lambda a: f'"{a}"',
    lambda a: f"“{a}”",
    lambda a: f"  {a}\n\n",
    lambda a: a.replace("\n", "\r\n"),
    lambda a: a.upper(),
    lambda a: a.lower(),
    lambda a: a.replace(".", ""),
    lambda a: f"# Title\n\n> {a}",
    lambda a: a[: len(a) // 2],
)

_MAKERS: Mapping[str, _Maker] = {
    "keywords:existence": formed.with_keywords,
    "keywords:frequency": counted.frequency,
    "keywords:forbidden_words": formed.forbidden,
    "keywords:letter_frequency": counted.lettered,
    "language:response_language": formed.in_language,
    "length_constraints:number_sentences": counted.sentenced,
    "length_constraints:number_paragraphs": counted.paragraphs,
    "length_constraints:number_words": counted.worded,
    "length_constraints:nth_paragraph_first_word": counted.first_word,
    "detectable_content:number_placeholders": counted.placeholders,
    "detectable_content:postscript": formed.postscript,
    "detectable_format:number_bullet_lists": counted.bullets,
    "detectable_format:constrained_response": formed.constrained,
    "detectable_format:number_highlighted_sections": counted.highlights,
    "detectable_format:multiple_sections": counted.sections,
    "detectable_format:json_format": formed.json_like,
    "detectable_format:title": formed.title,
    "combination:two_responses": formed.two,
    "combination:repeat_prompt": formed.repeat,
    "startend:end_checker": formed.end,
    "startend:quotation": formed.quotation,
    "change_case:capital_word_frequency": counted.capital_words,
    "change_case:english_capital": formed.cased,
    "change_case:english_lowercase": formed.cased,
    "punctuation:no_comma": formed.commas,
}
