"""The baselines' scores."""

from __future__ import annotations

import numpy as np
import pytest

from stepwell.evals.tune.baselines import ROUTELLM, chance, length, litellm_heuristics
from stepwell.router.tiers.litellm import load


def test_length_counts_characters() -> None:
    np.testing.assert_array_equal(length(["", "ab", "äöü"]), [0, 2, 3])


def test_chance_is_even_and_the_same_each_time() -> None:
    ids = [str(i) for i in range(4000)]
    draws = chance(ids)
    np.testing.assert_array_equal(draws, chance(ids))
    assert draws.min() >= 0
    assert draws.max() < 1
    assert np.mean(draws < 0.3) == pytest.approx(0.3, abs=0.03)


def test_published_figures() -> None:
    best = max((p for p in ROUTELLM if p.dataset == "mmlu"), key=lambda p: p.apgr)
    assert (best.router, best.apgr, best.cpt80) == ("RouteLLM SW ranking", 0.603, 0.716)
    assert min(p.cpt80 for p in ROUTELLM if p.dataset == "mmlu") == 0.703


def test_litellm_scores_hard_work_higher() -> None:
    load()  # before anything else imports it: it would fetch its price map
    pytest.importorskip("litellm.router_strategy.complexity_router.complexity_router")
    found = litellm_heuristics(
        ["hi", "Think step by step and analyse why this distributed algorithm deadlocks. " * 20]
    )
    assert found["LiteLLM heuristic, score"][1] > found["LiteLLM heuristic, score"][0]
    assert all(set(v) <= {0.0, 1.0, 2.0, 3.0} for name, v in found.items() if name.endswith("tier"))
