"""Hashed n-grams."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stepwell.guards.learned.ngrams import CHAR_LENGTHS, N_BUCKETS, N_CHAR_BUCKETS, grams


def _spelled(text: str) -> tuple[list[str], list[str]]:
    """N-grams of an ASCII text, in words."""
    found = grams(text)
    pieces = [text[a:b].lower() for a, b in zip(found.starts, found.stops, strict=True)]
    return pieces[: found.n_chars], pieces[found.n_chars :]


def test_characters_stay_within_words() -> None:
    chars, _ = _spelled("ab cd")
    assert sorted(chars) == sorted(["ab", "b ", " c", "cd", "ab ", " cd"])


def test_words_and_phrases() -> None:
    _, words = _spelled("one, two; three")
    assert sorted(words) == sorted(["one", "two", "three", "one, two", "two; three", "one, two; three"])


@given(st.text(alphabet="abc XY.", max_size=40), st.text(alphabet="abc XY.", max_size=40))
def test_a_piece_has_one_bucket_wherever_it_stands(before: str, after: str) -> None:
    alone, within = grams("needle"), grams(f"{before} needle {after}")
    chars = set(alone.buckets[: alone.n_chars].tolist())
    assert chars <= set(within.buckets[: within.n_chars].tolist())
    assert set(alone.buckets[alone.n_chars :].tolist()) <= set(within.buckets[within.n_chars :].tolist())


def test_different_pieces_mostly_have_different_buckets() -> None:
    words = [f"{a}{b}{c}" for a in "abcdefgh" for b in "ijklmnop" for c in "qrstuvwx"]
    single = [int(grams(w).buckets[-1]) for w in words]
    assert len(set(single)) > 0.99 * len(words)


def test_case_digits_and_white_space_are_folded() -> None:
    assert np.array_equal(grams("Room 12\tA").buckets, grams("rOOM 97 a").buckets)


@given(st.text(max_size=200))
def test_any_text_has_places_within_it(text: str) -> None:
    found = grams(text)
    assert len(found.buckets) == len(found.starts) == len(found.stops) >= found.n_chars
    assert ((found.starts >= 0) & (found.starts < found.stops) & (found.stops <= len(text))).all()
    assert ((found.buckets[: found.n_chars] < N_CHAR_BUCKETS) & (found.buckets[: found.n_chars] >= 0)).all()
    words = found.buckets[found.n_chars :]
    assert ((words >= N_CHAR_BUCKETS) & (words < N_BUCKETS)).all()


def test_as_many_as_the_text_is_long() -> None:
    n_chars = 100_000
    assert grams("x" * n_chars).n_chars == sum(n_chars - n + 1 for n in CHAR_LENGTHS)
