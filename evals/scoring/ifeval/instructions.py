"""The 25 kinds of instruction: what checks each, and which arguments it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stepwell.evals.scoring.ifeval import (
    change_case,
    combination,
    detectable_content,
    detectable_format,
    keywords,
    language,
    lengths,
    punctuation,
    startend,
)
from stepwell.evals.scoring.ifeval.arguments import Arguments


@dataclass(frozen=True, slots=True)
class Instruction:
    """One kind.

    Attributes:
        check: (answer, arguments) -> whether the answer follows.
        needs: The arguments that must be given.
        reads_language: `check` asks langdetect.
    """

    check: Callable[[str, Arguments], bool]
    needs: tuple[str, ...] = ()
    reads_language: bool = False


INSTRUCTIONS: dict[str, Instruction] = {
    "keywords:existence": Instruction(keywords.existence, ("keywords",)),
    "keywords:frequency": Instruction(keywords.frequency, ("keyword", "frequency", "relation")),
    "keywords:forbidden_words": Instruction(keywords.forbidden_words, ("forbidden_words",)),
    "keywords:letter_frequency": Instruction(
        keywords.letter_frequency, ("letter", "let_frequency", "let_relation")
    ),
    "language:response_language": Instruction(language.response_language, ("language",), reads_language=True),
    "length_constraints:number_sentences": Instruction(
        lengths.number_sentences, ("num_sentences", "relation")
    ),
    "length_constraints:number_paragraphs": Instruction(lengths.number_paragraphs, ("num_paragraphs",)),
    "length_constraints:number_words": Instruction(lengths.number_words, ("num_words", "relation")),
    "length_constraints:nth_paragraph_first_word": Instruction(
        lengths.nth_paragraph_first_word, ("num_paragraphs", "nth_paragraph", "first_word")
    ),
    "detectable_content:number_placeholders": Instruction(
        detectable_content.number_placeholders, ("num_placeholders",)
    ),
    "detectable_content:postscript": Instruction(detectable_content.postscript, ("postscript_marker",)),
    "detectable_format:number_bullet_lists": Instruction(
        detectable_format.number_bullet_lists, ("num_bullets",)
    ),
    "detectable_format:constrained_response": Instruction(detectable_format.constrained_response),
    "detectable_format:number_highlighted_sections": Instruction(
        detectable_format.number_highlighted_sections, ("num_highlights",)
    ),
    "detectable_format:multiple_sections": Instruction(
        detectable_format.multiple_sections, ("section_spliter", "num_sections")
    ),
    "detectable_format:json_format": Instruction(detectable_format.json_format),
    "detectable_format:title": Instruction(detectable_format.title),
    "combination:two_responses": Instruction(combination.two_responses),
    "combination:repeat_prompt": Instruction(combination.repeat_prompt, ("prompt_to_repeat",)),
    "startend:end_checker": Instruction(startend.end_checker, ("end_phrase",)),
    "startend:quotation": Instruction(startend.quotation),
    "change_case:capital_word_frequency": Instruction(
        change_case.capital_word_frequency, ("capital_frequency", "capital_relation")
    ),
    "change_case:english_capital": Instruction(change_case.english_capital, reads_language=True),
    "change_case:english_lowercase": Instruction(change_case.english_lowercase, reads_language=True),
    "punctuation:no_comma": Instruction(punctuation.no_comma),
}
