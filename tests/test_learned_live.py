"""A policy learnt from outcomes, named in the configuration, through the whole house."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from stepwell import ConfigError, Stepwell
from stepwell.evals.tune.learn import learn
from stepwell.evals.tune.rows import Outcomes, read_outcomes
from stepwell.front.cli.main import main
from stepwell.front.server.app import create_app
from stepwell.router.learned.bundle import Bundle
from stepwell.testing import FakeTier
from tests.house import CHEAP, DEAR, NO_CACHE, QUICK

PRICES = {"cheap": (1.0, 2.0), "dear": (10.0, 20.0)}
EASY, HARD = "What is the colour of 9 leaves?", "Prove that 9 is no sum of 5 cubes."
COMPASS = "compass_for_tests:Compass"


def rows() -> Outcomes:
    def row(n: int) -> dict[str, object]:
        hard = n % 2
        prompt = (
            f"Prove that {n} is no sum of {n % 7} cubes." if hard else f"What is the colour of {n} leaves?"
        )
        return {"id": f"r{n}", "prompt": prompt, "scores": {"cheap": 1.0 - hard, "dear": 1.0}}

    return read_outcomes([json.dumps(row(n)) for n in range(160)], ["cheap", "dear"])


class Compass:
    """Proofs point north, the rest east, each a little off; counts what it embeds."""

    name = COMPASS
    dim = 3
    texts: list[str] = []  # noqa: RUF012 - the well makes its own; tests look at all

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts.extend(texts)
        made = np.array([[t.startswith("Prove"), t.startswith("What"), 0.1 + len(t) % 5 / 50] for t in texts])
        found: NDArray[np.float32] = (made / np.linalg.norm(made, axis=1)[:, None]).astype(np.float32)
        return found


@pytest.fixture
def compass(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Makes the embedder known by its dotted path; gives the texts that it embeds."""
    module = ModuleType("compass_for_tests")
    module.Compass = Compass  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(Compass, "texts", [])
    return Compass.texts


@pytest.fixture(scope="module")
def bundles() -> dict[str, Bundle]:
    outcomes = rows()
    vectors = Compass().embed(outcomes.prompts)
    return {"plain": learn(outcomes).bundle, "vectors": learn(outcomes, vectors, embedder=COMPASS).bundle}


@pytest.fixture
def policy(bundles: dict[str, Bundle], tmp_path: Path) -> str:
    return saved(bundles["plain"], tmp_path)


def saved(bundle: Bundle, folder: Path, **promise: Any) -> str:
    tuned: dict[str, Any] = {"price": 0.3, "min_quality": 0.9, "usd_per_1m": PRICES, **promise}
    bundle.with_promise(**tuned).save(folder / "policy")
    return f"learned:{folder / 'policy'}"


def sections(policy: str, **more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "tiers": {"cheap": CHEAP, "dear": DEAR},
        "cache": NO_CACHE,
        "guards": {"input": [], "output": []},
        "dispatch": QUICK,
        "routing": {"policy": policy},
    }
    return {**plain, **more}


def well_of(policy: str, **more: Any) -> Stepwell:
    fakes = {"cheap": FakeTier("cheap"), "dear": FakeTier("dear")}
    return Stepwell(backends=fakes, **sections(policy, **more))


# ---- which tier answers, and what is told


async def test_answers_come_from_the_tier_that_was_right_on_such_asks(policy: str) -> None:
    async with well_of(policy, promises={"min_quality": 0.9}) as well:
        easy, hard = await well.achat(EASY), await well.achat(HARD)
        explained = await well.aexplain(HARD)
    assert (easy.text, hard.text) == ("cheap", "dear")
    route = hard.trace.route
    assert route is not None
    assert easy.trace.route is not None
    assert (route.policy, route.price, route.threshold, route.novelty) == ("learned", 0.3, None, None)
    assert (route.need or 0) > 0.5 > (easy.trace.route.need or 0)
    assert explained == route


async def test_with_vectors_the_trace_names_neighbours_and_novelty(
    bundles: dict[str, Bundle], compass: list[str], tmp_path: Path
) -> None:
    policy = saved(bundles["vectors"], tmp_path)
    async with well_of(
        policy, embedding={"embedder": COMPASS}, routing={"policy": policy, "policy_timeout_s": 20}
    ) as w:
        easy, hard = await w.achat(EASY), await w.achat(HARD)
    assert (easy.tier, hard.tier) == ("cheap", "dear")
    assert compass == [EASY, HARD]
    for reply, parity in ((easy, 0), (hard, 1)):
        route = reply.trace.route
        assert route is not None
        assert route.novelty is not None
        assert 0 <= route.novelty <= 1
        assert {int(name[1:]) % 2 for name in route.nearest} == {parity}
    assert "0 of 6 nearest were right on cheap" in hard.why
    assert "6 of 6 nearest were right on cheap" in easy.why


async def test_a_request_is_embedded_once_for_router_and_cache(
    bundles: dict[str, Bundle], compass: list[str], tmp_path: Path
) -> None:
    policy = saved(bundles["vectors"], tmp_path)
    cached = {"exact": True, "semantic": "shadow"}
    more = {"embedding": {"embedder": COMPASS}, "cache": cached}
    async with well_of(policy, routing={"policy": policy, "policy_timeout_s": 20}, **more) as well:
        await well.achat(HARD)
        stream = await well.astream(EASY)
        assert [piece async for piece in stream.text_deltas()] == ["cheap"]
    assert sorted(compass) == sorted([HARD, EASY])


@pytest.mark.parametrize("policy", ["coldstart", "heuristic"])
async def test_nothing_is_embedded_for_a_policy_that_reads_no_vector(policy: str, compass: list[str]) -> None:
    async with well_of(policy, embedding={"embedder": COMPASS}, promises={"min_p_ok": 0}) as well:
        await well.achat(HARD)
    assert compass == []


async def test_a_plain_bundle_needs_no_embedder(policy: str, compass: list[str]) -> None:
    async with well_of(policy, embedding={"embedder": COMPASS}) as well:
        assert (await well.achat(HARD)).tier == "dear"
    assert compass == []


async def test_a_late_vector_costs_neighbours_not_the_answer(
    bundles: dict[str, Bundle], compass: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Compass, texts: Sequence[str]) -> NDArray[np.float32]:
        raise RuntimeError

    monkeypatch.setattr(Compass, "embed", broken)
    policy = saved(bundles["vectors"], tmp_path)
    async with well_of(policy, embedding={"embedder": COMPASS}) as well:
        reply = await well.achat(HARD)
    assert reply.tier == "dear"
    assert "no embedding: read from words and form alone" in reply.why


async def test_the_server_tells_the_need(policy: str) -> None:
    transport = httpx.ASGITransport(create_app(well_of(policy, promises={"min_quality": 0.5})))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        body = {"model": "auto", "messages": [{"role": "user", "content": HARD}]}
        heads = (await client.post("/v1/chat/completions", json=body)).headers
        pinned = (await client.post("/v1/chat/completions", json=body | {"model": "dear"})).headers
    assert heads["x-stepwell-tier"] == "dear"
    assert 0.5 < float(heads["x-stepwell-need"]) <= 1
    assert float(heads["x-stepwell-p-ok"]) > 0.8
    assert "x-stepwell-need" not in pinned


def test_explain_prints_what_the_policy_knows(
    policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    fake = {"kind": "stepwell.testing:FakeTier"}
    routing = {"policy": policy, "target_share": 0.5}
    tiers = {"cheap": CHEAP | fake, "dear": DEAR | fake}
    (tmp_path / "stepwell.yaml").write_text(yaml.safe_dump(sections(policy, tiers=tiers, routing=routing)))
    assert main(["explain", HARD]) == 0
    said = capsys.readouterr().out
    for part in ("dear by learned", "need for the dearest tier", "price: 0.3", "budget: asked 50%"):
        assert part in said
    assert main(["explain", "--json", HARD]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["tier"], found["price"]) == ("dear", 0.3)
    assert found["need"] > 0.5


# ---- what does not fit together is said at the start


def test_other_tiers_are_named(policy: str) -> None:
    with pytest.raises(ConfigError, match="for the tiers cheap, dear; configured are small, dear"):
        Stepwell(**sections(policy, tiers={"small": CHEAP, "dear": DEAR}))


def test_another_embedder_is_named(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    policy = saved(bundles["vectors"], tmp_path)
    with pytest.raises(ConfigError, match=f"vectors of {COMPASS}; the configured embedder is other:Embedder"):
        Stepwell(**sections(policy, embedding={"embedder": "other:Embedder"}))


def test_no_policy_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No learned policy"):
        Stepwell(**sections(f"learned:{tmp_path / 'nothing'}"))


@pytest.mark.parametrize(
    ("promise", "was"),
    [
        ({}, "for 0.9"),
        ({"min_quality": None}, "for no quality"),
        ({"price": None, "min_quality": 0.99}, "for no quality"),
        ({"price": None, "mix": {"dear": 1.0}, "min_quality": 0.8}, "for 0.8"),
    ],
)
def test_a_promise_above_what_was_tuned_for_is_refused(
    bundles: dict[str, Bundle], tmp_path: Path, promise: dict[str, Any], was: str
) -> None:
    policy = saved(bundles["plain"], tmp_path, **promise)
    with pytest.raises(ConfigError, match=f"{was}; tune again with --min-quality 0[.]95"):
        Stepwell(**sections(policy, promises={"min_quality": 0.95}))


@pytest.mark.parametrize("policy", ["coldstart", "heuristic", "orchard:Policy"])
def test_a_promise_of_quality_needs_a_tuned_policy(policy: str) -> None:
    with pytest.raises(ConfigError, match=r"run `stepwell tune OUTCOMES --min-quality 0[.]95"):
        Stepwell(**sections(policy, promises={"min_quality": 0.95}))


async def test_a_mix_that_the_promise_falls_back_to_is_served(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    policy = saved(bundles["plain"], tmp_path, price=None, mix={"dear": 1.0}, min_quality=0.97)
    async with well_of(policy, promises={"min_quality": 0.95}) as well:
        assert [(await well.achat(text)).tier for text in (EASY, HARD)] == ["dear", "dear"]
