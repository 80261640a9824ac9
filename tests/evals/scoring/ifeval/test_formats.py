"""detectable_content:*, detectable_format:*, combination:*, startend:*, punctuation:* - followed and missed."""

from __future__ import annotations

import pytest

from stepwell.evals.scoring.ifeval.score import follows


def _check(instruction: str, given: dict[str, object], followed: list[str], missed: list[str]) -> None:
    assert [a for a in followed if not follows(instruction, given, "", a)] == []
    assert [a for a in missed if follows(instruction, given, "", a)] == []


def test_number_placeholders() -> None:
    _check(
        "detectable_content:number_placeholders",
        {"num_placeholders": 2},
        ["[a] [b]", "[] []", "[x](y) [z] [w]"],
        ["[a]", "[a\n] [b]", "(a) (b)"],
    )


@pytest.mark.parametrize(
    ("marker", "followed", "missed"),
    [
        ("P.S.", ["Hi.\n\nP.S. Bye", "p. s. bye"], ["PS: bye", "P.S bye", "P.P.S bye"]),
        ("P.P.S", ["P.P.S. Bye", "p. p.s bye"], ["P.S. bye", "PPS bye"]),
        ("Note:", ["A note: x"], ["A note. x"]),
    ],
)
def test_postscript(marker: str, followed: list[str], missed: list[str]) -> None:
    _check("detectable_content:postscript", {"postscript_marker": marker}, followed, missed)


def test_number_bullet_lists() -> None:
    _check(
        "detectable_format:number_bullet_lists",
        {"num_bullets": 2},
        ["* a\n* b", "- a\n  - b", "*a\n-b", "Here:\n\n* a\n\n* b"],
        ["* a", "* a\n* b\n* c", "+ a\n+ b", "1. a\n2. b", "**a**\n**b**", "* a\n* b\n---"],
    )


def test_constrained_response() -> None:
    _check(
        "detectable_format:constrained_response",
        {},
        ["My answer is yes.", "Well. My answer is no. Sorry.", "**My answer is maybe.**"],
        ["Yes.", "my answer is yes.", "My answer is yes!", "My answer is **yes**."],
    )


def test_number_highlighted_sections() -> None:
    _check(
        "detectable_format:number_highlighted_sections",
        {"num_highlights": 2},
        ["*a* and *b*", "**a** and **b**", "***a***"],
        ["*a*", "* * and *b*", "*a\nb* *c*", "_a_ _b_", "a **bold** word", "**** **"],
    )


def test_multiple_sections() -> None:
    _check(
        "detectable_format:multiple_sections",
        {"section_spliter": "Day", "num_sections": 2},
        ["Day 1\nx\nDay 2\ny", "**Day1** **Day2** Day 3"],
        ["Day 1", "DAY 1 DAY 2", "Day one, Day two", "Day  1 Day  2"],
    )


def test_json_format() -> None:
    _check(
        "detectable_format:json_format",
        {},
        ['{"a": [1]}', '```json\n{"a": 1}\n```', "```\n[]\n```", "```JSON\n1```", '"text"', "NaN"],
        ["{'a': 1}", '{"a": 1', 'Here: {"a": 1}', "```js\n1\n```", "[" * 100_000],
    )


def test_title() -> None:
    _check(
        "detectable_format:title",
        {},
        ["<<Bread>>\nText.", "**<<a>>**"],
        ["<Bread>", "<< >>", "<<>>", "<<a\nb>>", "«Bread»"],
    )


def test_two_responses() -> None:
    _check(
        "combination:two_responses",
        {},
        ["a\n******\nb", "******a******b******"],
        ["a", "a\n******\na", "a\n******\n ", "a\n*****\nb", "a******b******c", "a************b"],
    )


def test_repeat_prompt() -> None:
    _check(
        "combination:repeat_prompt",
        {"prompt_to_repeat": " Name a river. "},
        ["Name a river. The Rhine.", "\nNAME A RIVER."],
        ["Sure. Name a river.", '"Name a river." The Rhine.', "Name a River The Rhine."],
    )


def test_what_was_asked_is_repeated_where_nothing_else_is_given() -> None:
    assert follows("combination:repeat_prompt", {}, "Name a river.", "Name a river. The Rhine.")
    assert not follows("combination:repeat_prompt", None, "Name a river.", "The Rhine.")


def test_end_checker() -> None:
    _check(
        "startend:end_checker",
        {"end_phrase": "That is all."},
        ["Bread. That is all.", 'Bread. "THAT IS ALL."\n'],
        ["That is all. Bye.", "That is all", "“That is all.”"],
    )


def test_quotation() -> None:
    _check("startend:quotation", {}, ['"a"', ' "a" and "b"\n', '""'], ['"a', '"', "“a”", "'a'", '"a".'])


def test_no_comma() -> None:
    _check("punctuation:no_comma", {}, ["No sign here.", "full，width"], ["Here, there.", "1,000", ","])
