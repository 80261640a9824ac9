"""Opened scorers: by what their scores are known."""

from __future__ import annotations

import json
from typing import Any

from stepwell import Stepwell
from stepwell.base.config import Config
from stepwell.base.config.context import EmbeddingConfig
from stepwell.evals.scoring.open import Judging, Means, open_judging
from stepwell.evals.suite import Row, Suite
from stepwell.testing import FakeTier

REPLY = '{"reason": "-", "correct": true}'


def row(scorer: str, **options: Any) -> Row:
    line = {"id": "r", "prompt": "2 + 2?", "target": "4", "scorer": {"name": scorer, **options}}
    return Suite.parse([json.dumps(line)], name="one").rows[0]


def court(model: str = "m/one") -> Stepwell:
    tiers = {name: {"model": model, "window_tokens": 4096} for name in ("judge", "other")}
    return Stepwell(Config.make({"tiers": tiers}), backends={name: FakeTier(REPLY) for name in tiers})


async def test_another_judge_other_votes_and_another_model_have_keys_of_their_own() -> None:
    async with court() as well, court("m/two") as changed:
        of = {
            "plain": Means(well, judge="judge"),
            "other": Means(well, judge="other"),
            "votes": Means(well, judge="judge", n_votes=3),
            "model": Means(changed, judge="judge"),
        }
        keys = {name: open_judging(["graded"], means).key(row("graded")) for name, means in of.items()}
        assert len(set(keys.values())) == len(of)
        judging = open_judging(["graded"], of["plain"])
        assert judging.key(row("graded", judge="other")) == keys["other"]
        assert judging.key(row("graded", votes=3)) == keys["plain"]  # the row's own are in the row's digest


async def test_another_embedder_has_a_key_of_its_own() -> None:
    async with court() as well:
        keys = {
            open_judging(["similarity"], Means(well, embedding=config)).key(row("similarity"))
            for config in (None, EmbeddingConfig(), EmbeddingConfig(embedder="somewhere:Other"))
        }
    assert len(keys) == 2
    assert "" not in keys


def test_a_plain_scorer_has_nothing_to_name() -> None:
    assert Judging().key(row("exact")) == ""
