"""Expected costs of rows whose text was not kept."""

from __future__ import annotations

import json

import numpy as np

from stepwell.evals.tune.examples import LearnOptions
from stepwell.evals.tune.expected import expected_costs
from stepwell.evals.tune.learn import learn
from stepwell.evals.tune.rows import read_outcomes
from stepwell.router.features import read_ask
from stepwell.router.traits import TRAITS_HASH, traits

PRICES = {"cheap": (0.1, 0.1), "dear": (1.0, 1.0)}


def test_a_row_without_text_costs_what_it_costs_with_it() -> None:
    prompts = [
        ("Sum " if i % 2 else "Tell a long story of ") + f"{i} {'red ' * (i % 7)}birds" for i in range(60)
    ]
    scores = {"cheap": 1, "dear": 1}
    named = [
        {"prompt": p, "scores": scores, "out_tokens": {"cheap": 9, "dear": 10 if i % 2 else 900}}
        for i, p in enumerate(prompts)
    ]
    kept = [
        {
            "traits": traits(read_ask(p)).tolist(),
            "traits_hash": TRAITS_HASH,
            "n_input_tokens": len(p) / 4,
            "scores": scores,
        }
        for p in prompts
    ]
    with_text = read_outcomes([json.dumps(row) for row in named], ["cheap", "dear"])
    without = read_outcomes([json.dumps(row) for row in kept], ["cheap", "dear"])
    bundle = learn(with_text, options=LearnOptions(n_trees=5)).bundle
    np.testing.assert_allclose(
        expected_costs(bundle, without, PRICES), expected_costs(bundle, with_text, PRICES), rtol=1e-6
    )
