"""Rows through the router: a result for each, whatever the row, and the same numbers as when it serves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepwell.base.config import Config
from stepwell.base.embedding import Embedder
from stepwell.evals.tune.learn import learn
from stepwell.evals.tune.replay_router import RouterReplay, cold_router, learned_router
from stepwell.evals.tune.rows import read_outcomes

SECRET = "the wording of a prompt"
PRICES = {"weak": (0.1, 0.4), "strong": (1.0, 4.0)}


def no_embedder() -> Embedder:
    raise AssertionError("nothing here reads vectors")


def row(n: int) -> dict[str, object]:
    hard = n % 2
    prompt = f"Prove that {n} is no sum of {n % 7} cubes." if hard else f"What is the colour of {n} leaves?"
    return {"id": f"r{n}", "prompt": prompt, "scores": {"weak": 1.0 - hard, "strong": 1.0}}


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = [json.dumps(row(n)) for n in range(160)]
    made = learn(read_outcomes(lines, ["weak", "strong"])).bundle
    folder = tmp_path_factory.mktemp("policy")
    made.with_promise(price=0.3, usd_per_1m=PRICES).save(folder)
    return folder


def test_a_learned_policy_tells_need_p_ok_and_cost_of_each_row(policy: Path) -> None:
    router = learned_router(str(policy), Config(), embedder="")
    replay = RouterReplay(router, no_embedder)
    easy, hard = replay.rows([json.dumps(row(200)), json.dumps(row(201))])
    assert (easy["id"], easy["tier"], hard["tier"]) == ("r200", "weak", "strong")
    assert float(str(hard["score"])) > float(str(easy["score"]))
    assert isinstance(hard["p_ok"], dict)
    assert isinstance(hard["cost_usd"], dict)
    assert set(hard["p_ok"]) == set(hard["cost_usd"]) == {"weak", "strong"}
    assert hard["cost_usd"]["strong"] == pytest.approx(10 * hard["cost_usd"]["weak"])
    assert list(replay.rows([json.dumps(row(201))])) == [hard]


def test_the_cold_start_needs_no_key_and_ranks_work() -> None:
    replay = RouterReplay(cold_router(Config()), no_embedder)
    lines = [json.dumps({"prompt": "Hello there"}), json.dumps(row(1))]
    hello, proof = replay.rows(lines)
    assert (hello["id"], proof["id"]) == (1, "r1")
    assert (hello["tier"], proof["tier"]) == ("standard", "premium")
    assert isinstance(proof["score"], float)


def test_a_bad_row_is_told_without_its_text_and_the_rest_goes_on() -> None:
    replay = RouterReplay(cold_router(Config()), no_embedder)
    bad = [
        "{" + SECRET,
        json.dumps([SECRET]),
        json.dumps({"id": "b", "prompt": 5}),
        json.dumps({"messages": SECRET}),
    ]
    found = list(replay.rows([json.dumps(row(0)), "", *bad, json.dumps(row(2))]))
    assert [r["id"] for r in found] == ["r0", 3, 4, "b", 6, "r2"]
    assert [("error" in r) for r in found] == [False, True, True, True, True, False]
    assert SECRET not in json.dumps(found)
