"""Texts that differ only in what word lists and embedder leave out."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.minilm import MiniLM
from stepwell.memory.cache.verifier import Verifier
from stepwell.memory.cache.verifier.cased import cased, clash
from stepwell.memory.cache.verifier.unread import is_foreign, signs, unread


@cache
def _parts() -> tuple[MiniLM, Verifier]:
    return MiniLM(), Verifier.load()


def _score(a: str, b: str, *, pieces: bool = True) -> float:
    embedder, verifier = _parts()
    vectors, _, tokens = embedder.embed_tokens([a, b])
    one, two = (verifier.sketch(t, p if pieces else None) for t, p in zip((a, b), tokens, strict=True))
    return verifier.log_odds(one, [two], [float(vectors[0] @ vectors[1])])[0]


OTHERS = [
    ("Is the reply \U0001f44d good?", "Is the reply \U0001f44e good?"),
    ("Does \u2660 beat \u2665 in bridge?", "Does \u2665 beat \u2660 in bridge?"),
    ("What does \u266f mean in music?", "What does \u266d mean in music?"),
    ("How does the \u265e move?", "How does the \u265c move?"),
    ("What is x\u00b2 worth?", "What is x\u00b3 worth?"),
    ("Where is this flag \U0001f1e9\U0001f1ea from?", "Where is this flag \U0001f1eb\U0001f1f7 from?"),
    ("Is CO toxic?", "Is Co toxic?"),
    ("Is CoCl2 toxic?", "Is COCl2 toxic?"),
    ("what does chmod -R do", "what does chmod -r do"),
    ("Is a 5 mW laser safe?", "Is a 5 MW laser safe?"),
    ("What flows through 5 M-ohm?", "What flows through 5 m-ohm?"),
    ("What flows through 5 M\u03a9?", "What flows through 5 m\u03a9?"),
    ("Is 10 Mb enough?", "Is 10 MB enough?"),
    ("What does \u03a3 stand for?", "What does \u03c3 stand for?"),
    ("Do you ship to the US?", "Do you ship to us?"),
    ("Is IT hard?", "Is it hard?"),
    ("explain f(X)", "explain f(x)"),
    ("How old is C#?", "How old is C?"),
    ("what does [] mean in js", "what does {} mean in js"),
    ("what is // in python", "what is / in python"),
    ("\u660e\u5929\u4f1a\u4e0b\u96e8\u5417", "\u6628\u5929\u4f1a\u4e0b\u96e8\u5417"),
]


@pytest.mark.parametrize(("a", "b"), OTHERS)
@pytest.mark.parametrize("pieces", [True, False])
def test_texts_that_differ_in_what_nobody_read_are_never_served(a: str, b: str, pieces: bool) -> None:
    assert _score(a, b, pieces=pieces) == _score(b, a, pieces=pieces) == -12.0
    assert _score(a, a, pieces=pieces) > -12.0


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Where is the next ATM?", "where is the next atm"),
        ("Do you ship to the USA?", "do you ship to the US?"),
        ("Can I pay in the US?", "can i pay in the us"),
        ("Is 16 GB enough?", "is 16 gb enough"),
        ("Does my iPhone work?", "does my iphone work?"),
        ("Thanks, where is my card?", "thanks - where's my card?!"),
        ("What is a caf\u00e9 au lait?", "what is a cafe au lait?"),
        ("How much CO2 does a car emit?", "how much co2 does a car emit"),
        ("HOW DO I GET IT BACK?", "how do i get it back?"),
        ("What\u2019s my PIN?", "what's my pin?"),
        ("Thanks :) where is my card ?", "Thanks, where is my card?"),
    ],
)
def test_carelessness_about_case_and_points_is_forgiven(a: str, b: str) -> None:
    assert _score(a, b) > 3


def test_a_long_text_with_word_pieces_is_compared_to_its_end() -> None:
    start = "please sum up this report " + "and then it rained all day " * 40
    assert _score(start + "in rome", start + "in oslo") == -12.0


def test_what_is_written_in_another_alphabet_counts_as_a_whole() -> None:
    assert is_foreign("\u041f\u0440\u0438\u0432\u0435\u0442 Bob")
    assert not is_foreign("Was hei\u00dft \u00dcberma\u00df?")
    assert unread("\u041f\u0440\u0438\u0432\u0435\u0442  Bob!") == (
        "\u041f\u0440\u0438\u0432\u0435\u0442 Bob!",
    )


@given(st.text(max_size=300))
def test_no_text_differs_from_itself(text: str) -> None:
    assert signs(text) == signs(text + "\u200b \u2026")
    assert not clash(cased(text), cased(text))


@given(
    st.text(
        alphabet=st.characters(min_codepoint=0x1F300, max_codepoint=0x1FAF8, categories=["So"]), max_size=8
    )
)
def test_each_emoji_is_seen(emoji: str) -> None:
    assert "".join(unread(f"so {emoji} it is, and that is all there is to say")) == emoji


def test_a_sketch_of_code_stays_small() -> None:
    embedder, verifier = _parts()
    text = " ".join(f"a_rather_Long_name_of_{i}(x)" for i in range(140))
    assert len(verifier.sketch(text[:3900], embedder.embed_tokens([text])[2][0])) < 16_000
