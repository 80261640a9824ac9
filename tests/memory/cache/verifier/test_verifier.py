"""The verifier as the cache calls it: the shipped weights, on texts of our own."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.token_vectors import TokenVectors
from stepwell.memory.cache.verifier import Verifier


@cache
def _shipped() -> Verifier:
    return Verifier.load()


def _pieces(text: str, seed: int = 0) -> TokenVectors:
    words = text.lower().split()
    ids = np.array([2000 + sum(map(ord, w)) % 20_000 for w in words], dtype=np.int32)
    rows = np.stack([np.random.default_rng(i + seed).normal(size=384) for i in ids])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return TokenVectors(ids, rows.astype(np.float16), False)


def _score(a: str, b: str, cosine: float, *, pieces: bool = False) -> float:
    v = _shipped()
    sketches = [v.sketch(t, _pieces(t) if pieces else None) for t in (a, b)]
    return v.log_odds(sketches[0], [sketches[1]], [cosine])[0]


@pytest.mark.parametrize(
    ("a", "same", "other"),
    [
        ("How do I send $5,000 abroad?", "How do I send 5k dollars abroad?", "How do I send $50,000 abroad?"),
        ("Is the shop open on Sunday?", "is the shop open on sunday", "Is the shop open on Tuesday?"),
        ("Can I park here?", "Hello, can I park here, please?", "Can I not park here?"),
        ("Convert 12 miles into km", "Convert twelve miles into km", "Convert 12 feet into km"),
        (
            "Book a train from Lyon to Bern",
            "please book a train from lyon to bern",
            "Book a train from Bern to Lyon",
        ),
        ("What's the best phone?", "What is the best phone?", "What's the worst phone?"),
    ],
)
def test_an_edit_that_changes_the_answer_scores_lower(a: str, same: str, other: str) -> None:
    assert _score(a, same, 0.9) > _score(a, other, 0.97) + 2


texts = st.text(max_size=200) | st.sampled_from(
    ["", " ", "#", "-5", "20 5", "$", "a" * 9000, "9" * 400, "n't 's"]
)


@given(a=texts, b=texts, cosine=st.floats(-1, 1), pieces=st.booleans())
def test_any_two_texts_have_bounded_log_odds_that_do_not_hang_on_their_order(
    a: str, b: str, cosine: float, pieces: bool
) -> None:
    score = _score(a, b, cosine, pieces=pieces and bool(a.split() and b.split()))
    assert -12 <= score <= 12
    assert score == pytest.approx(
        _score(b, a, cosine, pieces=pieces and bool(a.split() and b.split())), abs=1e-4
    )


def test_several_candidates_score_as_each_alone() -> None:
    v = _shipped()
    asked = v.sketch("how long do boiled eggs keep", _pieces("how long do boiled eggs keep"))
    cached = [
        v.sketch(t, _pieces(t) if n else None) for n, t in enumerate(("boiled eggs", "how long is a boat"))
    ]
    alone = [v.log_odds(asked, [c], [s])[0] for c, s in zip(cached, (0.8, 0.4), strict=True)]
    assert v.log_odds(asked, cached, [0.8, 0.4]) == pytest.approx(alone, abs=1e-4)
    assert v.log_odds(asked, [], []) == []


def test_a_sketch_that_cannot_be_read_is_never_served() -> None:
    v = _shipped()
    good = v.sketch("where is my parcel", None)
    assert v.log_odds(good, [b"", b"\xff", good], [1.0, 1.0, 1.0])[:2] == [-12.0, -12.0]
    assert v.log_odds(b"no sketch", [good], [1.0]) == [-12.0]


def test_a_sketch_stays_small() -> None:
    long = " ".join(f"word{i}" for i in range(250))
    assert len(_shipped().sketch(long, _pieces(long))) < 12_000


def test_long_texts_that_differ_where_nobody_looked_are_never_served() -> None:
    v = _shipped()
    start = "please sum up this report " + "and then it rained all day " * 40
    one, two = (v.sketch(start + end, None) for end in ("in rome", "in oslo"))
    assert v.log_odds(one, [two, one], [1.0, 1.0])[0] == -12.0
    assert v.log_odds(one, [one], [1.0])[0] > 0
    assert v.log_odds(v.sketch("please sum up this report", None), [one], [1.0]) == [-12.0]
