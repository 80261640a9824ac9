"""A tuned price counts where it was tested; elsewhere the mix that was tested beside it stands in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.base.errors import ConfigError
from stepwell.evals.tune.learn import learn
from stepwell.evals.tune.rows import read_outcomes
from stepwell.router.features import read_ask
from stepwell.router.learned.bundle import Bundle
from stepwell.router.learned.policy import Learned
from stepwell.router.policy.run import load_policy
from stepwell.router.tierinfo import TierInfo

TIERS = [
    TierInfo(n, (n,), 0.5, None, None, frozenset(), usd, None, usd, None, False)
    for n, usd in (("cheap", 0.1), ("dear", 1.0))
]
DIM = 8


def asks(n: int) -> tuple[list[str], NDArray[np.float32]]:
    random = np.random.default_rng(1)
    prompts = [f"Prove lemma {i}." if i % 2 else f"What colour is leaf {i}?" for i in range(n)]
    centres = np.eye(DIM)[:2]
    vectors = centres[np.arange(n) % 2] + 0.05 * random.normal(size=(n, DIM))
    return prompts, (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    prompts, vectors = asks(200)
    lines = [
        json.dumps({"id": i, "prompt": p, "scores": {"cheap": float(i % 2 == 0), "dear": 1.0}})
        for i, p in enumerate(prompts)
    ]
    made = learn(read_outcomes(lines, ["cheap", "dear"]), vectors, embedder="small").bundle
    return made.with_promise(price=0.3, fallback={"cheap": 0.2, "dear": 0.8}, min_quality=0.95)


def test_known_traffic_goes_by_the_price(bundle: Bundle) -> None:
    prompts, vectors = asks(4)
    found = Learned(bundle).estimate(read_ask(prompts[1], vector=vectors[1]), TIERS)
    assert (found.price, found.mix) == (0.3, None)
    assert not any("stands in" in r for r in found.reasons)


@pytest.mark.parametrize(
    ("vector", "why"),
    [
        (None, "no embedding"),
        (np.ones(3, np.float32), "no embedding"),  # of another embedder
        (-np.ones(DIM, np.float32) / DIM**0.5, "unlike known traffic"),
    ],
    ids=["late", "other width", "far"],
)
def test_where_the_price_was_not_tested_the_mix_stands_in(
    bundle: Bundle, vector: NDArray[np.float32] | None, why: str
) -> None:
    found = Learned(bundle).estimate(read_ask("What colour is leaf 3?", vector=vector), TIERS)
    assert (found.price, found.mix) == (None, {"cheap": 0.2, "dear": 0.8})
    assert found.reasons[0].startswith(why)
    assert "the tested mix stands in: 20% cheap, 80% dear" in found.reasons


def test_without_a_tested_mix_the_dearest_tier_stands_in(bundle: Bundle) -> None:
    bare = bundle.with_promise(price=0.3)
    assert Learned(bare).estimate(read_ask("What colour is leaf 3?"), TIERS).mix == {"dear": 1.0}


def test_tiers_whose_prices_have_changed_places_are_refused(bundle: Bundle, tmp_path: Path) -> None:
    bundle.save(tmp_path)
    assert load_policy(f"learned:{tmp_path}", tiers=TIERS, embedder="small").name == "learned"
    with pytest.raises(ConfigError, match="the order is dear, cheap"):
        load_policy(f"learned:{tmp_path}", tiers=TIERS[::-1], embedder="small")
