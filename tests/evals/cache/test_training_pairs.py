"""Pairs to learn from: written blocks, sentence frames, and edits by rule."""

from __future__ import annotations

import random

import numpy as np
import pytest

from stepwell.evals.cache import edits, edits_changing, edits_harmless
from stepwell.evals.cache.frames import FRAMES, framed_blocks
from stepwell.evals.cache.pair_weights import SHARES, pair_weights
from stepwell.evals.cache.training_pairs import cross_pairs, cross_texts, training_pairs, written_blocks
from stepwell.memory.cache.verifier.words import words_of


def test_blocks_hold_together() -> None:
    blocks = [*written_blocks(), *framed_blocks(seed=3, per_frame=5)]
    assert len(blocks) == 1895 + 5 * len(FRAMES)
    for block in blocks:
        assert len(block.same) > 1
        assert block.other
        assert not {t.strip() for t in block.same} & {t.strip() for t in block.other}


def test_frames_come_from_their_seed() -> None:
    assert list(framed_blocks(seed=1, per_frame=2)) == list(framed_blocks(seed=1, per_frame=2))
    assert list(framed_blocks(seed=1, per_frame=2)) != list(framed_blocks(seed=2, per_frame=2))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("neg_number", "Walk 4 miles"),
        ("neg_unit", "Walk 4 miles"),
        ("neg_date", "Open on Monday?"),
        ("neg_entity", "Is Peru safe?"),
        ("neg_negation", "Can I park here?"),
        ("neg_antonym", "the cheapest and best phone"),
        ("neg_role", "Fly from Rome to Oslo"),
        ("neg_scope", "What is the best phone?"),
        ("neg_function", "Walk before eating"),
        ("pos_polite", "Is it open?"),
        ("pos_typo", "weather tomorrow"),
        ("pos_contraction", "What is the fee?"),
        ("pos_numformat", "Pay 5,000 now"),
        ("pos_opening", "How do I swim?"),
        ("pos_synonym", "buy a car"),
        ("pos_exchanged", "difference between Rust and Swift"),
    ],
)
def test_a_rule_changes_a_text_that_it_fits(kind: str, text: str) -> None:
    rule = {**edits.CHANGING, **edits.HARMLESS}[kind]
    made = {rule(text, random.Random(seed)) for seed in range(20)} - {None}
    assert made - {text}


def test_a_number_in_another_form_is_the_same_number() -> None:
    for n in (2, 12, 25, 40, 200, 3000, 5000, 12000):
        for seed in range(10):
            made = edits_harmless.number_form(f"pay {n} now", random.Random(seed))
            assert made is None or words_of(made).forms == words_of(f"pay {n} now").forms


def test_edits_leave_texts_alone_that_no_rule_fits() -> None:
    assert edits_changing.role("hello", random.Random(0)) is None
    assert edits_changing.number("no number here", random.Random(0)) is None


def test_pairs_of_one_prompt_share_a_group() -> None:
    pairs = training_pairs(["Is the pool heated in May?", "Send 20 euros to Anna"], n_blocks=4, per_frame=1)
    assert {p.family for p in pairs} == {"written", "edit", "frame"}
    place: dict[str, int] = {}
    for pair in pairs:
        if pair.family != "edit":
            assert place.setdefault(pair.a, pair.group) == pair.group
    assert {p.same for p in pairs if p.family == "edit"} == {True, False}


def test_cross_pairs_are_of_two_blocks() -> None:
    texts = cross_texts(20)
    block = dict(texts)
    made = cross_pairs(texts, [list(range(len(texts)))] * len(texts))
    assert made
    assert all(block[p.a] != block[p.b] and not p.same for p in made)


def test_similarity_weighs_as_in_traffic() -> None:
    rng = np.random.default_rng(0)
    n = 4000
    rows = rng.random((n, 3)).astype(np.float32)
    same = rng.random(n) < 0.3  # here similarity says nothing
    family = np.where(np.arange(n) % 4 == 0, "edit", "written")
    weight = pair_weights(rows, same, family, np.arange(n) // 4)
    assert weight.mean() == pytest.approx(1, abs=1e-4)
    assert weight[family == "edit"].sum() / n == pytest.approx(
        SHARES["edit"] / (SHARES["edit"] + SHARES["written"]), abs=1e-3
    )
    near, written = rows[:, 0] > 0.85, family == "written"
    share = [np.average(same[m & written], weights=weight[m & written]) for m in (near, ~near)]
    assert share[0] > 0.55
    assert share[1] < 0.25
