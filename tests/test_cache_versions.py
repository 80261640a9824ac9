"""What is kept in a cache is not served once something else says which answer is good enough."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepwell import Stepwell
from stepwell.evals.tune.examples import LearnOptions
from stepwell.evals.tune.learn import learn
from stepwell.evals.tune.rows import read_outcomes
from stepwell.router.learned.bundle import Bundle
from stepwell.testing import FakeTier
from tests.house import CHEAP, DEAR

QUICK = LearnOptions(n_trees=5, n_folds=2, alphas=(1.0, 10.0))


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    rows = [
        json.dumps({"id": f"r{n}", "prompt": f"{'Prove' if n % 2 else 'Name'} {n}", "scores": scores})
        for n in range(120)
        for scores in [{"cheap": 1.0 - n % 2, "dear": 1.0}]
    ]
    return learn(read_outcomes(rows, ["cheap", "dear"]), options=QUICK).bundle


async def status(folder: Path, **sections: Any) -> str:
    """Of the cache for the same ask, by a well of its own on the same file."""
    async with Stepwell(
        tiers={"cheap": CHEAP, "dear": DEAR},
        backends={"cheap": FakeTier("12"), "dear": FakeTier("12")},
        cache={"semantic": "off", "path": str(folder / "cache.db")},
        **sections,
    ) as well:
        trace = (await well.achat("Name 2")).trace
    assert trace.cache is not None
    return trace.cache.status


async def test_another_floor_parts_the_cache_and_another_dollar_limit_does_not(tmp_path: Path) -> None:
    for promises, found in (
        ({"min_p_ok": 0.1}, "miss"),
        ({"min_p_ok": 0.1, "max_usd_per_day": 50}, "hit"),
        ({"min_p_ok": 0.2}, "miss"),
        ({"min_p_ok": 0.1}, "hit"),
    ):
        assert await status(tmp_path, promises=promises) == found


async def test_a_policy_tuned_again_in_its_place_parts_the_cache(bundle: Bundle, tmp_path: Path) -> None:
    routing = {"policy": f"learned:{tmp_path / 'p'}"}
    for price, found in ((0.3, "miss"), (0.3, "hit"), (0.2, "miss")):
        bundle.with_promise(price=price, min_quality=0.9).save(tmp_path / "p")
        assert await status(tmp_path, routing=routing) == found
