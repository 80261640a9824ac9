"""keywords:* - followed and missed."""

from __future__ import annotations

import pytest

from stepwell.evals.scoring.ifeval.score import follows


@pytest.mark.parametrize(
    ("keywords", "answer", "is_followed"),
    [
        (["bread", "lamp"], "Bread under a LAMP.", True),
        (["bread", "lamp"], "Breadth of lamplight.", True),
        (["bread", "lamp"], "Bread, and no light.", False),
        (["*x"], "The sign *X stands.", True),
        (["*x"], "The sign x stands.", False),
        (["a.c"], "abc", True),
    ],
)
def test_existence(keywords: list[str], answer: str, is_followed: bool) -> None:
    assert follows("keywords:existence", {"keywords": keywords}, "", answer) is is_followed


@pytest.mark.parametrize(
    ("n", "relation", "is_followed"),
    [
        (2, "at least", False),
        (3, "at least", True),
        (4, "at least", True),
        (2, "less than", True),
        (3, "less than", False),
    ],
)
def test_frequency(n: int, relation: str, is_followed: bool) -> None:
    given = {"keyword": " bread ", "frequency": 3, "relation": relation}
    assert follows("keywords:frequency", given, "", "Bread! " * n) is is_followed


@pytest.mark.parametrize(
    ("answer", "is_followed"),
    [
        ("A bakery.", True),
        ("Breads.", True),
        ("my_bread", True),
        ("No BREAD, please.", False),
        ("bread-like", False),
    ],
)
def test_forbidden_words(answer: str, is_followed: bool) -> None:
    given = {"forbidden_words": ["cake", "bread"]}
    assert follows("keywords:forbidden_words", given, "", answer) is is_followed


@pytest.mark.parametrize(
    ("letter", "answer", "is_followed"),
    [("o", "oOo", True), ("O", "oo", False), ("#", "# ## x", True), ("#", "# # x", False)],
)
def test_letter_frequency(letter: str, answer: str, is_followed: bool) -> None:
    given = {"letter": letter, "let_frequency": 3, "let_relation": "at least"}
    assert follows("keywords:letter_frequency", given, "", answer) is is_followed
    fewer = given | {"let_relation": "less than"}
    assert follows("keywords:letter_frequency", fewer, "", answer) is not is_followed


def test_a_keyword_that_could_take_forever_is_looked_for_as_written() -> None:
    given = {"keywords": ["(a+)+$"]}
    assert not follows("keywords:existence", given, "", "a" * 40 + "b")
    assert follows("keywords:existence", given, "", "the pattern (a+)+$ is slow")
