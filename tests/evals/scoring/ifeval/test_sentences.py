"""Sentences and words as NLTK counts them: what it gave for these texts (3.10, punkt_tab english)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.scoring.ifeval.english import Known
from stepwell.evals.scoring.ifeval.sentences import n_sentences, sentences
from stepwell.evals.scoring.ifeval.words import n_capital_words, n_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Mr. Smith met Dr. Who. He ran.", ["Mr. Smith met Dr. Who.", "He ran."]),
        ("It was 5 p.m. However, he ran.", ["It was 5 p.m.", "However, he ran."]),
        ("It was 5 p.m. in Rome.", ["It was 5 p.m. in Rome."]),
        ("J. Smith sang. Plan B. They ran.", ["J. Smith sang.", "Plan B.", "They ran."]),
        ('He said "Go." Then (so.) they ran.', ['He said "Go."', "Then (so.)", "they ran."]),
        ("He said “so.” They ran.", ["He said “so.”", "They ran."]),
        ("Wait... what? It is 3.5 or 1. apple.", ["Wait... what?", "It is 3.5 or 1. apple."]),
        ("1. Bread\n2. Salt", ["1.", "Bread\n2.", "Salt"]),
        ("No point\n\nhere", ["No point\n\nhere"]),
        ("Stop!!! Now?! Yes.", ["Stop!!!", "Now?!", "Yes."]),
        ("a.b.c www.x.org end", ["a.b.c www.x.org end"]),
        ("", []),
        ("  \n", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_what_is_known_decides() -> None:
    nothing = Known(frozenset(), frozenset(), frozenset(), frozenset())
    knows = Known(frozenset({"zq"}), frozenset(), frozenset({"bread"}), frozenset())
    assert len(sentences("At zq. Rome it was.", nothing)) == 2
    assert len(sentences("At zq. Rome it was.", knows)) == 1
    assert len(sentences("At zq. Bread it was.", knows)) == 2


@given(st.text(alphabet="aB .!?\"')(*\n-,1”é", max_size=60))
def test_sentences_hold_all_of_the_text_in_order(text: str) -> None:
    found = sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert n_sentences(text) == len(found)


@pytest.mark.parametrize(
    ("text", "n"), [("It's well-known.", 4), ("a_b 3.5", 3), ("नमस्ते दुनिया", 2), ("ça va", 2), ("-- !", 0)]
)
def test_n_words(text: str, n: int) -> None:
    assert n_words(text) == n


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("BREAD and SALT", 2),
        ("IT'S", 2),
        ("It's. IT's", 1),
        ("I CANNOT, U.S. A-B A/B", 6),
        ("DON'T. WE'LL; HE'S", 6),
        ("GONNA WANNA", 4),
        ("3D X1 iPhone Ok", 2),
        ("(NO) **BIG** \"GO\" 'UP'", 4),
        ("small only", 0),
        ("TEN:30 A,B 1,000", 3),
    ],
)
def test_n_capital_words(text: str, n: int) -> None:
    assert n_capital_words(text) == n
