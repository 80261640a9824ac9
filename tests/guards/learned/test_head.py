"""Learned heads: scores of texts, of spans, and files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.guards.learned import gram_head as portions
from stepwell.guards.learned.gram_head import GramHead
from stepwell.guards.learned.head import Head, Mix, Scale, VectorHead, logistic
from stepwell.guards.learned.load import load, save
from stepwell.guards.learned.ngrams import N_BUCKETS, grams
from stepwell.guards.time_limit import time_limit

THRESHOLDS = {0.001: 0.99, 0.01: 0.9, 0.05: 0.6}
SCALE = Scale((-1.0, 2.0, 3.0), (0.2, 0.7, 0.9))


def _knows(word: str) -> GramHead:
    """A head that says yes to one word."""
    weights = np.full(N_BUCKETS, -1.0, dtype=np.float32)
    found = grams(word)
    weights[found.buckets] = 8.0
    return GramHead(weights, np.ones(N_BUCKETS, dtype=np.float32), 0.0)


@pytest.fixture
def head() -> Head:
    vector = VectorHead(
        (
            (np.eye(3, dtype=np.float32), np.zeros(3, dtype=np.float32)),
            (np.array([[1.0], [2.0], [-1.0]], dtype=np.float32), np.array([0.5], dtype=np.float32)),
        )
    )
    return Head(
        _knows("umbrella"), (Mix(1, 0, 0), SCALE), vector, (Mix(0.5, 1, -1), Scale()), THRESHOLDS, SCALE
    )


def test_a_known_word_scores_higher(head: Head) -> None:
    assert head.score("umbrella") > head.score("take the umbrella along") > head.score("take a coat along")


def test_the_vector_counts_where_there_is_one(head: Head) -> None:
    for_it, against_it = np.array([0, 1, 0], dtype=np.float32), np.array([0, 0, 1], dtype=np.float32)
    assert head.score("a coat", for_it) > head.score("a coat", against_it)


def test_layers_cut_off_what_is_negative(head: Head) -> None:
    assert head.vector is not None
    assert head.vector.score(np.array([-5, 1, 0], dtype=np.float32)) == pytest.approx(2.5)


def test_spans_score_as_if_they_stood_alone() -> None:
    gram_head, text = _knows("umbrella"), "take the coat. umbrella! and go"
    spans = [(0, 15), (15, 24), (25, 31)]
    scores = gram_head.of_spans(text, spans)
    assert scores.argmax() == 1
    assert scores[1] == pytest.approx(gram_head.score("umbrella!"), abs=0.5)


@given(
    st.lists(st.sampled_from(["umbrella", "um", "brella ", "a", ", ", "Ü9 "]), max_size=40),
    st.integers(1, 30),
)
def test_spans_score_the_same_in_portions(pieces: list[str], n_chars: int) -> None:
    gram_head, text = _knows("umbrella"), "".join(pieces)
    spans = [(at, min(at + n_chars, len(text))) for at in range(0, len(text), n_chars)]
    whole = gram_head.of_spans(text, spans)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(portions, "_PORTION_CHARS", 1)
        assert gram_head.of_spans(text, spans) == pytest.approx(whole)


def test_a_judge_of_many_spans_stops_where_its_time_is_over() -> None:
    with time_limit(-1.0), pytest.raises(TimeoutError):
        _knows("umbrella").of_spans("ab", [(0, 1), (1, 2)])


def test_empty_text_and_empty_spans_score_the_bias() -> None:
    gram_head = _knows("umbrella")
    assert gram_head.score("") == 0
    assert gram_head.of_spans("", []).shape == (0,)
    assert gram_head.of_spans("a  b", [(1, 2)]).tolist() == [0.0]


@given(st.floats(-800, 800), st.floats(-800, 800))
def test_scales_rise(a: float, b: float) -> None:
    low, high = sorted((a, b))
    for scale in (SCALE, Scale()):
        assert 0 <= scale.score(low) <= scale.score(high) + 1e-12 <= 1 + 1e-12


def test_a_scale_passes_its_corners() -> None:
    assert [SCALE.score(x) for x in SCALE.log_odds] == pytest.approx(SCALE.scores)
    assert SCALE.score(2.5) == pytest.approx(0.8)
    assert logistic(0) == 0.5


@given(st.floats(1e-5, 0.49), st.floats(1e-5, 0.49))
def test_a_smaller_budget_never_gets_a_lower_threshold(a: float, b: float) -> None:
    judged = Head(_knows("x"), (Mix(1, 0, 0), SCALE), thresholds=THRESHOLDS)
    low, high = sorted((a, b))
    assert judged.threshold(low) >= judged.threshold(high)


def test_known_budgets_get_their_thresholds(head: Head) -> None:
    assert {b: head.threshold(b) for b in THRESHOLDS} == pytest.approx(THRESHOLDS)


def test_files_give_the_head_back(tmp_path: Path, head: Head) -> None:
    save("one", head, {"promise": "none"}, tmp_path)
    back = load("one", tmp_path)
    vector = np.array([0.1, 0.2, 0.3], dtype=np.float32)
    for text in ("umbrella", "take a coat", "Ähre"):
        assert back.score(text) == pytest.approx(head.score(text), abs=1e-3)
        assert back.score(text, vector) == pytest.approx(head.score(text, vector), abs=1e-3)
    assert back.thresholds == THRESHOLDS
    assert back.within == SCALE
    assert back.scored_within(2.0) == pytest.approx(head.scored_within(2.0)) == 0.7
