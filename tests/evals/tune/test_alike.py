"""Rows that ask the same are held out together and count once."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from stepwell.evals.tune.alike import alike, merged
from stepwell.evals.tune.crossfit import split
from stepwell.evals.tune.examples import LearnOptions
from stepwell.evals.tune.learn import learn
from stepwell.evals.tune.rows import Outcomes, read_outcomes
from stepwell.evals.tune.run import TuneOptions, tune
from stepwell.router.features import read_ask
from stepwell.router.traits import TRAITS_HASH, traits

WORDS = [f"{a}{b}" for a in ("sal", "mor", "tik", "ben", "dru") for b in ("ta", "vin", "gor", "lem")]
TIERS = ["weak", "strong"]


def rows(n: int, seed: int) -> list[dict[str, object]]:
    """Asks of random words; scores have nothing to do with them."""
    rng = random.Random(seed)
    return [
        {
            "id": f"a{i}",
            "prompt": f"Tell me of {' '.join(rng.sample(WORDS, 6))} number {i}",
            "scores": {"weak": float(rng.random() < 0.5), "strong": float(rng.random() < 0.8)},
        }
        for i in range(n)
    ]


def outcomes(of: Sequence[Mapping[str, object]]) -> Outcomes:
    return read_outcomes([json.dumps(row) for row in of], TIERS)


def doubled(of: list[dict[str, object]]) -> list[dict[str, object]]:
    return [*of, *({**row, "id": f"b{i}"} for i, row in enumerate(of))]


def test_shuffled_labels_given_twice_under_other_ids_are_refused() -> None:
    tuned = tune(outcomes(doubled(rows(150, 3))), None, TuneOptions(n_resamples=20))
    assert tuned.promise.by != "router"
    assert tuned.promise.n_labels == tuned.bundle.card.n_rows == 150
    assert any("150 rows that ask what another asks" in said for said in tuned.report.verdict.said)


def test_nothing_is_learnt_from_a_row_s_double() -> None:
    twice = outcomes(doubled(rows(150, 4)))
    learnt = learn(twice, options=LearnOptions(n_trees=20, min_leaf=2))
    assert (learnt.folds[:150] == learnt.folds[150:]).all()
    needs = learnt.p_ok[:, 1] - learnt.p_ok[:, 0]
    gains = twice.scores[:, 1] - twice.scores[:, 0]
    assert abs(np.corrcoef(needs, gains)[0, 1]) < 0.25


def test_folds_of_distinct_asks_are_even_and_of_same_asks_the_same() -> None:
    assert np.bincount(split(np.arange(20), 5, 0)).tolist() == [4] * 5
    folds = split(np.array([0, 1, 2, 3, 4, 0, 1]), 5, 0)
    assert folds[:2].tolist() == folds[5:].tolist()


def test_case_and_white_space_make_no_other_ask() -> None:
    prompts = ["What is  it?", "Who is it?", " what is\nit?"]
    made = outcomes([{"prompt": p, "scores": {"weak": 1, "strong": 0}} for p in prompts])
    assert alike(made).tolist() == [0, 1, 0]


def test_merging_takes_means_and_fills_what_one_of_them_lacks() -> None:
    same = {"prompt": "What is it?", "scores": {"weak": 1.0}, "out_tokens": {"weak": 10}}
    other = same | {"scores": {"weak": 0.0, "strong": 1.0}, "answers": {"strong": "a"}}
    vectors = np.eye(3, dtype=np.float32)
    made, kept = merged(outcomes([same, {**same, "prompt": "Who?"}, other]), vectors)
    assert made.scores[0].tolist() == [0.5, 1.0]
    assert made.out_tokens[0, 0] == 10
    assert np.isnan(made.out_tokens[0, 1])
    assert made.answers[0] == {"strong": "a"}
    assert made.prompts == ["What is it?", "Who?"]
    assert kept is not None
    assert kept.tolist() == vectors[:2].tolist()


@pytest.mark.parametrize(("with_vectors", "n_left"), [(True, 1), (False, 3)])
def test_feedback_without_text_is_known_by_traits_and_vector(with_vectors: bool, n_left: int) -> None:
    prompt = "What is the height of the tower?"
    hit = {
        "traits": traits(read_ask(prompt)).tolist(),
        "traits_hash": TRAITS_HASH,
        "vector": [1.0, 0.0],
        "scores": {"weak": 1.0},
    }
    named = {"prompt": prompt, "id": "p", "scores": {"weak": 0.0, "strong": 1.0}}
    made = outcomes([hit | {"id": "x"}, hit | {"id": "y"}, named])
    vectors = np.tile(np.array([1, 0], np.float32), (3, 1)) if with_vectors else None
    assert alike(made, vectors).tolist() == [0, 0, 0]
    left, _ = merged(made, vectors)
    assert len(left) == n_left
    assert prompt in left.prompts
