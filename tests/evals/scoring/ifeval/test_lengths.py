"""length_constraints:* - followed and missed by one."""

from __future__ import annotations

import pytest

from stepwell.evals.scoring.ifeval.score import follows


@pytest.mark.parametrize("relation", ["at least", "less than"])
@pytest.mark.parametrize("n", [3, 4, 5])
def test_number_words(n: int, relation: str) -> None:
    given = {"num_words": 4, "relation": relation}
    answer = ", ".join(["word"] * n) + "!"
    assert follows("length_constraints:number_words", given, "", answer) is (
        (n >= 4) is (relation == "at least")
    )


def test_a_count_may_be_a_float() -> None:
    given = {"num_words": 4.0, "relation": "at least"}
    assert follows("length_constraints:number_words", given, "", "It's well-known.")
    assert not follows("length_constraints:number_words", given, "", "One two three.")


@pytest.mark.parametrize("relation", ["at least", "less than"])
@pytest.mark.parametrize("n", [2, 3, 4])
def test_number_sentences(n: int, relation: str) -> None:
    given = {"num_sentences": 3, "relation": relation}
    answer = "Mr. Smith went home at 5.30 with bread. " * n
    is_followed = follows("length_constraints:number_sentences", given, "", answer)
    assert is_followed is ((n >= 3) is (relation == "at least"))


@pytest.mark.parametrize(
    ("answer", "is_followed"),
    [
        ("one\n***\ntwo\n***\nthree", True),
        ("one***two***three", True),
        ("***\none\n***\ntwo\n***\nthree\n***\n", True),
        ("one\n***\ntwo", False),
        ("one\n***\n\n***\ntwo\n***\nthree", False),
        ("one\n\ntwo\n\nthree", False),
        ("one\n* * *\ntwo\n* * *\nthree", False),
    ],
)
def test_number_paragraphs(answer: str, is_followed: bool) -> None:
    assert follows("length_constraints:number_paragraphs", {"num_paragraphs": 3}, "", answer) is is_followed


@pytest.mark.parametrize(
    ("answer", "is_followed"),
    [
        ("One.\n\nBread is good.", True),
        ('One.\n\n"Bread\'s" good.', True),
        ("One.\n\nbread", True),
        ("One.\n\nThe bread is good.", False),
        ("One.\n\n*Bread* is good.", False),
        ("One.\n\nBread.\n\nThree.", False),
        ("Bread.", False),
        ("One.\n\n\n\nBread.", False),
    ],
)
def test_nth_paragraph_first_word(answer: str, is_followed: bool) -> None:
    given = {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Bread"}
    assert follows("length_constraints:nth_paragraph_first_word", given, "", answer) is is_followed
