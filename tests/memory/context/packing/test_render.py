from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.base.tokens import count_text
from stepwell.memory.context.packing.render import Line, Transcript, line

MODEL = "gpt-4"
LINES = [
    Line(line("Noor", "My boat is green."), "8 May, 2023"),
    Line(line("Ravi", "Nice!", "a green boat at a pier"), "8 May, 2023"),
    Line(line("Noor", "It rains all day here."), "11 May, 2023"),
    Line(line("Ravi", "Here it is dry and warm."), "11 May, 2023"),
]


def test_a_line_says_who_and_what() -> None:
    assert line("Noor", "Hello") == "Noor: Hello"
    assert line("Noor", "Look", "a well") == "Noor: Look [photo: a well]"


def test_all_of_it_stands_under_its_days() -> None:
    made = Transcript(LINES, model=MODEL).render(1000, np.ones(4, dtype=np.float32))
    assert made.text == (
        "[8 May, 2023]\nNoor: My boat is green.\nRavi: Nice! [photo: a green boat at a pier]\n"
        "[11 May, 2023]\nNoor: It rains all day here.\nRavi: Here it is dry and warm."
    )
    assert (made.kept, made.expected_recall) == ((0, 1, 2, 3), 1.0)
    assert made.n_tokens == count_text(made.text, MODEL)


def test_what_matters_is_kept_in_its_order() -> None:
    transcript = Transcript(LINES, model=MODEL)
    relevance = np.array([0.9, 0.01, 0.02, 0.05], dtype=np.float32)
    made = transcript.render(26, relevance)
    assert made.text == "[8 May, 2023]\nNoor: My boat is green."
    assert made.expected_recall == pytest.approx(0.9 / 0.98)
    assert transcript.render(26, relevance, recent_share=1.0).kept == (3,)


def test_without_relevance_the_latest_are_kept() -> None:
    made = Transcript(LINES, model=MODEL).render(40)
    assert made.kept == (2, 3)
    assert made.expected_recall == 1.0


def test_a_talk_without_days_has_no_headers() -> None:
    made = Transcript([Line("user: hi"), Line("assistant: hello")], model=MODEL).render(50)
    assert made.text == "user: hi\nassistant: hello"


def test_nothing_fits_into_nothing() -> None:
    made = Transcript(LINES, model=MODEL).render(3, np.ones(4, dtype=np.float32))
    assert (made.text, made.kept, made.n_tokens) == ("", (), 0)


words = st.lists(
    st.sampled_from(["well", "Wasser", "вода", "水", "💧", "\n", " ", "!?", "]"]), max_size=12
).map(" ".join)
lines = st.builds(Line, words.map(lambda text: line("Noor", text)), st.sampled_from(["", "8 May", "9 May"]))


@settings(max_examples=150)
@given(st.lists(lines, max_size=15), st.integers(0, 150), st.floats(0, 1), st.randoms(use_true_random=False))
def test_it_is_never_over_and_never_out_of_order(
    talk: list[Line], n_tokens: int, recent_share: float, chance: object
) -> None:
    relevance = np.array([chance.random() for _ in talk], dtype=np.float32)  # type: ignore[attr-defined]
    made = Transcript(talk, model=MODEL).render(n_tokens, relevance, recent_share=recent_share)
    assert made.n_tokens == count_text(made.text, MODEL) <= n_tokens
    assert list(made.kept) == sorted(set(made.kept))
    at = 0
    for place in made.kept:
        at = made.text.index(talk[place].text, at) + len(talk[place].text)
    assert 0 <= made.expected_recall <= 1 + 1e-6
