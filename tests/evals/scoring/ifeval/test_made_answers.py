"""The answers that compare_ifeval makes: of each kind some follow and some miss."""

from __future__ import annotations

import pytest

from stepwell.evals.scoring.ifeval.instructions import INSTRUCTIONS
from stepwell.evals.scoring.ifeval.score import follows
from tests.tools.ifeval_answers import answers

GIVEN: dict[str, dict[str, object]] = {
    "keywords:existence": {"keywords": ["bread", "lamp"]},
    "keywords:frequency": {"keyword": "salt", "frequency": 3, "relation": "at least"},
    "keywords:forbidden_words": {"forbidden_words": ["cake"]},
    "keywords:letter_frequency": {"letter": "q", "let_frequency": 4, "let_relation": "less than"},
    "language:response_language": {"language": "de"},
    "length_constraints:number_sentences": {"num_sentences": 5, "relation": "less than"},
    "length_constraints:number_paragraphs": {"num_paragraphs": 3},
    "length_constraints:number_words": {"num_words": 30, "relation": "at least"},
    "length_constraints:nth_paragraph_first_word": {
        "num_paragraphs": 3,
        "nth_paragraph": 2,
        "first_word": "salt",
    },
    "detectable_content:number_placeholders": {"num_placeholders": 3},
    "detectable_content:postscript": {"postscript_marker": "P.S."},
    "detectable_format:number_bullet_lists": {"num_bullets": 4},
    "detectable_format:number_highlighted_sections": {"num_highlights": 3},
    "detectable_format:multiple_sections": {"section_spliter": "Day", "num_sections": 3},
    "combination:repeat_prompt": {"prompt_to_repeat": "Name a river."},
    "startend:end_checker": {"end_phrase": "That is all."},
    "change_case:capital_word_frequency": {"capital_frequency": 6, "capital_relation": "less than"},
}


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_some_follow_and_some_miss(name: str) -> None:
    if INSTRUCTIONS[name].reads_language:
        pytest.importorskip("langdetect")
    given = GIVEN.get(name, {})
    row = {"key": 1, "prompt": "Name a river.", "instruction_id_list": [name], "kwargs": [given]}
    made = list(answers(row))
    assert made == list(answers(row))
    assert {follows(name, given, "", answer) for answer in made} == {True, False}
