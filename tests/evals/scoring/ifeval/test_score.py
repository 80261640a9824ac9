"""Scores of whole rows: strict, loose, faults of targets."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.scorers import SCORERS
from stepwell.evals.scoring.ifeval import score
from stepwell.evals.scoring.ifeval.instructions import INSTRUCTIONS
from stepwell.evals.scoring.ifeval.loose import readings
from stepwell.evals.scoring.ifeval.score import follows, ifeval, ifeval_fault, ifeval_parts

ARGUMENTS = {
    "keywords": ["bread", "a(b"],
    "keyword": "bread",
    "frequency": 2,
    "relation": "at least",
    "forbidden_words": ["cake"],
    "letter": "e",
    "let_frequency": 3,
    "let_relation": "less than",
    "language": "de",
    "num_sentences": 2,
    "num_paragraphs": 2,
    "num_words": 5,
    "nth_paragraph": 1,
    "first_word": "bread",
    "num_placeholders": 1,
    "postscript_marker": "P.S.",
    "num_bullets": 1,
    "num_highlights": 1,
    "section_spliter": "Day",
    "num_sections": 1,
    "prompt_to_repeat": "Name bread.",
    "end_phrase": "Bread!",
    "capital_frequency": 2,
    "capital_relation": "less than",
}
SYNCHRONOUS = [name for name, one in INSTRUCTIONS.items() if not one.reads_language]


def _target(*names: str, prompt: str = "Name bread.", **changed: object) -> str:
    return json.dumps(
        {"instruction_id_list": names, "kwargs": [ARGUMENTS | changed for _ in names], "prompt": prompt}
    )


def test_there_are_25_kinds() -> None:
    assert len(INSTRUCTIONS) == 25


def test_a_row_scores_one_only_where_all_is_followed() -> None:
    target = _target("punctuation:no_comma", "startend:end_checker")
    assert ifeval("Salt. Bread!", target) == 1.0
    assert ifeval("Salt, Bread!", target) == 0.0
    assert ifeval_parts("Salt, Bread!", target) == {
        "strict": 0.0,
        "loose": 0.0,
        "instruction_strict": 0.5,
        "instruction_loose": 0.5,
    }


@pytest.mark.parametrize(
    "answer",
    [
        "Sure, here it is:\nsalt\nBread!",
        "Sure, here it is:\nBread!\nI hope, this helps.",
        "Bread!\nI hope, this helps.",
        "**Bread!**",
        "Sure, here it is:\n*Bread!*\nThanks, bye.",
    ],
)
def test_loose_allows_for_a_first_line_a_last_one_and_asterisks(answer: str) -> None:
    parts = ifeval_parts(answer, _target("punctuation:no_comma", "startend:end_checker"))
    assert parts["strict"] == 0.0
    assert parts["loose"] == parts["instruction_loose"] == 1.0


def test_readings() -> None:
    assert readings("*a*\nb\nc*") == ["*a*\nb\nc*", "a\nb\nc", "b\nc*", "b\nc", "*a*\nb", "a\nb", "b"]
    assert readings("one") == ["one"]
    assert readings(" \n") == []


def test_an_empty_answer_follows_nothing() -> None:
    target = _target("punctuation:no_comma")
    assert ifeval("", target) == ifeval(" \n", target) == 0.0
    assert ifeval_parts("***", _target("keywords:forbidden_words"))["loose"] == 1.0


@given(st.sampled_from(SYNCHRONOUS), st.text(max_size=80))
def test_any_text_can_be_judged_and_loose_is_no_stricter(name: str, answer: str) -> None:
    parts = ifeval_parts(answer, _target(name))
    assert parts["loose"] >= parts["strict"]
    assert parts["instruction_loose"] >= parts["instruction_strict"]
    assert parts["strict"] == ifeval(answer, _target(name)) == float(follows(name, ARGUMENTS, "", answer))


@pytest.mark.parametrize("name", SYNCHRONOUS)
def test_missing_arguments_are_named(name: str) -> None:
    for need in INSTRUCTIONS[name].needs:
        fault = ifeval_fault(_target(name, prompt="", **{need: None}))
        assert fault == f"{name}: {need} is missing"
    assert ifeval_fault(_target(name)) is None


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("no JSON", "not JSON"),
        ("{}", "Object missing required field `instruction_id_list`"),
        ('{"instruction_id_list": [], "kwargs": []}', "same length"),
        ('{"instruction_id_list": ["punctuation:no_comma"], "kwargs": []}', "same length"),
        ('{"instruction_id_list": ["keywords:key"], "kwargs": [{}]}', "no such instruction: 'keywords:key'"),
        (_target("length_constraints:number_words", relation="about"), "relation must be one of"),
        (_target("length_constraints:number_words", num_words="ten"), "num_words is of the wrong type"),
        (_target("keywords:existence", keywords=[]), "keywords is missing"),
    ],
)
def test_wrong_targets_are_named(target: str, fault: str) -> None:
    found = ifeval_fault(target)
    assert found is not None
    assert fault in found


def test_a_suite_about_languages_says_that_langdetect_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score, "is_detector_there", lambda: False)
    fault = ifeval_fault(_target("language:response_language"))
    assert fault is not None
    assert "pip install langdetect" in fault
    assert ifeval_fault(_target("punctuation:no_comma")) is None


def test_an_unknown_instruction_is_an_error() -> None:
    with pytest.raises(ValueError, match="no such instruction"):
        follows("keywords:key", {}, "", "Bread.")


def test_the_scorer_gives_the_parts() -> None:
    scored = SCORERS["ifeval"].judge("Bread!\nThanks, bye.", (_target("punctuation:no_comma"),))
    assert scored.score == 0.0
    assert scored.parts["loose"] == 1.0
