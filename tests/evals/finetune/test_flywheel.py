"""From a suite to a served adapter by the real commands, and what it answers beside its base on one server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import yaml

from stepwell import Stepwell
from stepwell.router.tiers import weights
from tests.support.flywheel import Flywheel, Said, order_rows
from tests.support.served import Served

BASE = "smollm2-135m-instruct"
NAME = "order-numbers"
N_TRAIN, N_HELD_OUT = 120, 10
KEY_ENV = "STEPWELL_FLYWHEEL_KEY"
SERVING: dict[str, Any] = {
    "tiers": {
        "orders": {"model": f"local/{NAME}", "params": {"temperature": 0}},
        "local": {"model": f"local/{BASE}"},
    },
    "guards": {"input": [], "output": []},
    "cache": {"exact": False, "semantic": "off"},
    "promises": {"min_p_ok": 0},
}
STEPS = {
    "collect": "local collect --suite train.jsonl --out examples.jsonl",
    "collect held out": "local collect --suite held_out.jsonl --out apart.jsonl",
    "curate": "local curate examples.jsonl --held-out apart.jsonl --out dataset --system order-number",
    "train": "local train dataset --out training --first-layer 24 --steps 24 --batch-size 4 --learning-rate 2e-3",
    "export": f"local export training --name {NAME} --dataset dataset",
    "eval": "local eval training dataset --json",
    "promote": f"local promote training dataset --name {NAME} --json",
}

pytestmark = pytest.mark.skipif(weights.find(BASE) is None, reason="the weights of the base are not here")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Flywheel:
    made = Flywheel(tmp_path_factory.mktemp("flywheel"))
    (made.home / "weights").mkdir(parents=True)
    (made.home / "weights" / f"{BASE}.gguf").symlink_to(weights.find(BASE) or "")
    made.write_suite("train.jsonl", "train", N_TRAIN)
    made.write_suite("held_out.jsonl", "held_out", N_HELD_OUT)
    return made


@pytest.fixture(scope="module")
def said(wheel: Flywheel) -> dict[str, Said]:
    """All steps, one after the other."""
    found = {}
    for step, words in STEPS.items():
        found[step] = wheel.stepwell(*words.split())
        assert found[step].code == 0, f"{step}: {found[step].out}{found[step].err}"
    return found


@pytest.fixture
def home(wheel: Flywheel, said: dict[str, Said], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STEPWELL_HOME", str(wheel.home))
    monkeypatch.setenv(KEY_ENV, "any")
    return wheel.home


@pytest.fixture
def server(home: Path) -> Iterator[Served]:
    with Served(SERVING) as served:
        yield served


def _exact(said: dict[str, Said]) -> dict[str, float]:
    return {arm["name"]: arm["exact"] for arm in said["eval"].json["arms"]}


def test_the_adapter_is_measured_better_than_its_base_and_any_head(said: dict[str, Said]) -> None:
    arms = _exact(said)
    assert arms["adapter"] >= 0.6
    assert arms["base"] <= 0.2
    assert all(share == 0 for arm, share in arms.items() if arm.startswith("head"))


def test_the_promoted_one_is_listed(wheel: Flywheel, said: dict[str, Said]) -> None:
    listed = wheel.stepwell("local", "list")
    assert NAME in listed.out
    assert "champion" in listed.out


def test_adapter_and_base_differ_on_one_server(server: Served) -> None:
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="any", max_retries=0)
    row = next(order_rows("held_out", 1))
    answers: dict[str, set[str | None]] = {}
    versions: dict[str, str] = {}
    for model in ("orders", "local", "orders"):
        got = client.chat.completions.with_raw_response.create(
            model=model, messages=row["messages"], temperature=0, max_tokens=48
        )
        answers.setdefault(model, set()).add(got.parse().choices[0].message.content)
        versions[model] = got.headers.get("x-stepwell-adapter", "")
    assert {len(said) for said in answers.values()} == {1}
    assert answers["orders"] != answers["local"]
    assert set(json.loads(answers["orders"].pop() or "")) == {"order"}
    assert versions["orders"].startswith(f"{NAME}@")
    assert versions["local"] == ""


def test_eval_run_against_the_server_finds_what_local_eval_found(
    wheel: Flywheel, said: dict[str, Said], server: Served
) -> None:
    """A second configuration, whose tier is that server's fine-tuned tier, over HTTP."""
    tier = {
        "model": "openai/orders",
        "base_url": f"http://127.0.0.1:{server.port}/v1",
        "api_key_env": KEY_ENV,
        "usd_per_1m_input": 0,
        "usd_per_1m_output": 0,
        "window_tokens": 8192,
    }
    config = {**SERVING, "tiers": {"remote": tier}}
    (wheel.folder / "second.yaml").write_text(yaml.safe_dump(config))
    ran = wheel.stepwell(
        "eval",
        "run",
        "held_out.jsonl",
        "--config",
        "second.yaml",
        "--concurrency",
        "2",
        "--out",
        "run",
        "--json",
    )
    assert ran.code in (0, 2), ran.err
    (remote,) = ran.json["tiers"]
    assert remote["n_rows"] == N_HELD_OUT
    assert remote["quality"] == pytest.approx(_exact(said)["adapter"])


def test_a_new_process_serves_it(wheel: Flywheel, home: Path) -> None:
    (wheel.folder / "stepwell.yaml").write_text(yaml.safe_dump(SERVING))
    row = next(order_rows("held_out", 1))
    mail = row["messages"][-1]["content"]
    asked = [wheel.stepwell("ask", "--tier", "orders", mail) for _ in range(2)]
    assert [a.code for a in asked] == [0, 0], asked[0].err
    assert set(json.loads(asked[0].out)) == {"order"}
    assert asked[0].out == asked[1].out


def test_an_unknown_ask_is_never_sent_to_it(home: Path) -> None:
    with Stepwell(**SERVING) as well:
        for ask in ("Why did the Roman Republic fall?", "Write a haiku about rain.", "hi"):
            assert well.explain(ask).tier == "local"


def test_the_same_training_again_is_no_work_and_no_other_adapter(
    wheel: Flywheel, said: dict[str, Said]
) -> None:
    files = [wheel.folder / "training" / "bundle" / name for name in ("adapter.gguf", "card.json")]
    before = files[0].read_bytes()
    assert wheel.stepwell(*STEPS["train"].split()).code == 0
    assert wheel.stepwell(*STEPS["export"].split()).code == 0
    assert files[0].read_bytes() == before
    assert wheel.stepwell(*STEPS["promote"].split()).code == 0
