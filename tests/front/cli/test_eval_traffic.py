"""The loop by commands: run, tune, compare; a live log, replayed, made into a suite; imports."""

from __future__ import annotations

import asyncio
import json
import os
import random
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from stepwell import Config, Stepwell
from stepwell.evals.suite import Suite
from stepwell.front.cli.main import main
from stepwell.router.learned.bundle import load_bundle
from tests.support.outcome_rows import TOPICS

Capture = pytest.CaptureFixture[str]


def tier(reply: str, usd: float) -> dict[str, Any]:
    return {
        "model": f"fake/{reply}",
        "kind": "stepwell.testing:FakeTier",
        "options": {"reply": reply},
        "window_tokens": 8192,
        "usd_per_1m_input": usd,
        "usd_per_1m_output": usd,
        "quality": 0.9,
    }


def asks(n: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [TOPICS[i % 2].format(rng.randrange(10_000) * 1000 + i) for i in range(n)]


def write_config(folder: Path, **more: Any) -> None:
    sections = {
        "tiers": {"small": tier("no", 1.0), "large": tier("yes", 9.0)},
        "cache": {"exact": False, "semantic": "off"},
        "promises": {"min_p_ok": 0, "max_usd_per_day": 1000},
        "traffic": {"path": "traffic.jsonl", "keep": "masked"},
        **more,
    }
    (folder / "stepwell.yaml").write_text(yaml.safe_dump(sections))


def write_suite(path: Path, n: int, seed: int) -> None:
    """The small tier is right on easy asks alone, the large one on all."""
    targets: tuple[Any, ...] = (["no", "yes"], "yes")
    lines = [
        {"id": f"{seed}-{i}", "prompt": ask, "target": targets[i % 2]} for i, ask in enumerate(asks(n, seed))
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture(scope="module")
def looped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of both tiers, and a policy tuned on six tenths of it."""
    folder = tmp_path_factory.mktemp("loop")
    before = Path.cwd()
    os.chdir(folder)
    try:
        write_config(folder)
        write_suite(folder / "suite.jsonl", 360, seed=1)
        assert main(["eval", "run", "suite.jsonl", "--tiers", "small,large", "--out", "run"]) in (0, 1, 2)
        (folder / "run" / "outcomes.jsonl").unlink()  # journal and rows are enough
        line = ["tune", "run", "--no-embedding", "--hold-out", "0.4", "--out", "policy"]
        assert main(line) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def here(looped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path)
    for name in ("run", "policy"):
        (tmp_path / name).symlink_to(looped / name)
    return tmp_path


def live(texts: list[str]) -> None:
    """Requests as they are served: every one to the small tier."""

    async def ask_all() -> None:
        async with Stepwell(Config.from_yaml("stepwell.yaml")) as well:
            for text in texts:
                await well.achat(text)

    asyncio.run(ask_all())


def told(capsys: Capture) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_run_tunes_a_policy_and_compares_it_on_the_rows_held_out(here: Path, capsys: Capture) -> None:
    n_learnt = load_bundle("policy").card.n_rows
    assert 180 <= n_learnt <= 250
    assert main(["eval", "compare", "run", "--policy", "policy", "--json"]) == 0
    report = told(capsys)
    assert report["n_rows"] >= 360 - n_learnt - 5
    assert [a["name"] for a in report["arms"]] == ["small", "large", "policy"]
    assert report["routers"][0]["is_worth_it"]
    assert main(["eval", "compare", "run", "--policy", "policy"]) == 0
    assert "policy is better than small" in capsys.readouterr().out


def test_a_live_log_is_replayed_and_says_what_would_settle_it(here: Path, capsys: Capture) -> None:
    live(asks(80, seed=2))
    assert main(["eval", "replay", "traffic.jsonl", "--policy", "policy", "--json"]) == 2
    report = told(capsys)
    assert (report["n_decided"], report["pair"]) == (80, None)
    moves = {(m["old"], m["new"]): m["n"] for m in report["moves"]}
    assert moves["small", "large"] == pytest.approx(40, abs=4)
    assert report["cost"]["new_usd"] > report["cost"]["old_usd"] > 0
    assert {c["tier"] for c in report["settle"]["calls"]} == {"large"}
    assert main(["eval", "replay", "traffic.jsonl", "--policy", "policy"]) == 2
    captured = capsys.readouterr()
    assert "to settle it within 0.02" in captured.out
    assert "cubes" not in captured.out + captured.err


@pytest.mark.parametrize(
    "work",
    [
        "replay moved.jsonl --policy policy",
        "replay moved.jsonl --policy coldstart",
        "compare run --policy policy",
        "drift moved.jsonl moved.jsonl --min-rows 20",
    ],
)
def test_what_asks_nobody_leaves_the_stores_of_the_served_alone(here: Path, work: str) -> None:
    live(asks(20, seed=2))
    Path("traffic.jsonl").rename("moved.jsonl")
    write_config(
        here,
        cache={"exact": True, "path": "cache.db"},
        context={"path": "context.db"},
        feedback={"path": "feedback.db"},
        guards={"audit": {"path": "audit.jsonl"}, "review": {"path": "review.db"}},
        promises={"min_p_ok": 0, "max_usd_per_day": 1000, "ledger_path": "ledger.db"},
    )
    before = {p.name for p in here.iterdir()}
    assert main(["eval", *work.split()]) in (0, 1, 2)
    assert {p.name for p in here.iterdir()} == before


def test_outcomes_and_feedback_make_a_verdict(here: Path, capsys: Capture) -> None:
    live(asks(80, seed=3))
    logged = [json.loads(line) for line in (here / "traffic.jsonl").read_text().splitlines()]
    scores = [{"small": float(i % 2 == 0), "large": 1.0} for i in range(80)]
    rows = [{"id": line["id"], "scores": of} for line, of in zip(logged, scores, strict=True)]
    (here / "known.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    replay = ["eval", "replay", "traffic.jsonl", "--policy", "policy", "--outcomes", "known.jsonl"]
    assert main(replay) == 0
    assert "verdict: better than the logged policy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"id": "a", "scores": {"quagga": 1.5}}', "from 0 to 1"),
        (b'{"id": "quagga', "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_outcomes_that_can_not_be_are_refused_by_line(
    here: Path, line: bytes, said: str, capsys: Capture
) -> None:
    (here / "log.jsonl").write_text('{"id": "a", "at_s": 1, "tier": "small"}\n')
    (here / "known.jsonl").write_bytes(b'{"id": "a", "scores": {"small": 1}}\n' + line + b"\n")
    assert main(["eval", "replay", "log.jsonl", "--policy", "policy", "--outcomes", "known.jsonl"]) == 64
    err = capsys.readouterr().err
    assert "known.jsonl, line 2: " in err
    assert said in err
    assert "quagga" not in err


def test_feedback_joins_the_log_by_id(here: Path, capsys: Capture) -> None:
    write_config(here, feedback={"path": "outcomes.db"})

    async def ask_and_tell() -> None:
        async with Stepwell(Config.from_yaml("stepwell.yaml")) as well:
            for i, text in enumerate(asks(40, seed=4)):
                reply = await well.achat(text)
                await well.afeedback(reply.trace.request_id, float(i % 2 == 0))
                await well.afeedback(reply.trace.request_id, 1.0, tier="large")

    asyncio.run(ask_and_tell())
    code = main(["eval", "replay", "traffic.jsonl", "--policy", "policy", "--json"])
    report = told(capsys)
    assert (code, report["pair"]["word"]) == (0, "better")
    assert report["n_both"] == pytest.approx(20, abs=3)


def test_a_policy_is_not_judged_by_what_it_learnt_from(here: Path, capsys: Capture) -> None:
    live(asks(360, seed=1))
    assert main(["eval", "replay", "traffic.jsonl", "--policy", "policy", "--json"]) == 2
    assert told(capsys)["n_in_sample"] >= load_bundle("policy").card.n_rows


def test_the_cold_start_can_be_replayed_too(here: Path, capsys: Capture) -> None:
    live(asks(20, seed=5))
    assert main(["eval", "replay", "traffic.jsonl", "--policy", "coldstart", "--json"]) in (0, 2)
    assert told(capsys)["n_decided"] == 20


def test_traffic_becomes_a_suite(here: Path, capsys: Capture) -> None:
    live([*asks(40, seed=6), "Write to jo@quagga.example about it, please."])
    assert main(["eval", "from-traffic", "traffic.jsonl", "--out", "suite.jsonl", "--n", "20", "--json"]) == 0
    report = told(capsys)
    assert report["n_drawn"] == len(Suite.load("suite.jsonl").rows) == 20
    assert "quagga" not in (here / "suite.jsonl").read_text()
    assert stat.S_IMODE((here / "suite.jsonl").stat().st_mode) == 0o600
    assert main(["eval", "from-traffic", "traffic.jsonl", "--out", "all.jsonl"]) == 0
    assert "can be asked again" in capsys.readouterr().out


def test_a_log_without_text_makes_no_suite(here: Path, capsys: Capture) -> None:
    write_config(here, traffic={"path": "traffic.jsonl", "keep": "none"})
    live(asks(3, seed=7))
    assert main(["eval", "from-traffic", "traffic.jsonl", "--out", "suite.jsonl"]) == 2
    assert "holds no text" in capsys.readouterr().out


LITELLM = {
    "id": "c1",
    "call_type": "acompletion",
    "response_cost": 0.001,
    "model": "big-model",
    "messages": [{"role": "user", "content": "Mail jo@quagga.example that 5 + 5 is ten."}],
    "response": {"choices": [{"message": {"content": "Done, jo@quagga.example knows."}}]},
    "startTime": 1_780_000_000,
    "endTime": 1_780_000_001,
}


def test_an_import_is_masked_and_replays(here: Path, capsys: Capture) -> None:
    lines = [json.dumps({**LITELLM, "id": f"c{i}"}) for i in range(8)]
    (here / "litellm.jsonl").write_text("\n".join([*lines, '{"secret quagga']) + "\n")
    line = ["eval", "import", "litellm.jsonl", "--map", "big-model=large", "--out", "log.jsonl"]
    assert main(line) == 0
    captured = capsys.readouterr()
    assert "record 9: not JSON" in captured.err
    raw = (here / "log.jsonl").read_text()
    assert "quagga" not in raw + captured.err
    assert raw.count("[EMAIL]") == 16
    assert stat.S_IMODE((here / "log.jsonl").stat().st_mode) == 0o600
    assert main(["eval", "replay", "log.jsonl", "--policy", "policy", "--json"]) in (0, 2)
    report = told(capsys)
    assert {m["old"] for m in report["moves"]} == {"large"}
    assert main([*line, "--no-text"]) == 0
    assert "5 + 5" not in (here / "log.jsonl").read_text()
    assert main(["eval", "replay", "log.jsonl", "--policy", "policy", "--json"]) in (0, 2)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["replay", "none.jsonl", "--policy", "policy"], "No such file"),
        (["replay", "stepwell.yaml", "--policy", "policy"], "no known format"),
        (["replay", "stepwell.yaml", "--policy", "nowhere"], "No learned policy"),
        (["replay", "x", "--policy", "policy", "--margin", "0"], "--margin"),
        (["compare", "run", "--policy", "nowhere"], "No learned policy"),
        (["compare", "policy", "--policy", "policy"], "no run's folder"),
        (["import", "x", "--map", "a", "--out", "y"], "No such file"),
        (["from-traffic", "x", "--out", "y", "--stratify", "hue"], "No such file"),
    ],
)
def test_wrong_usage_is_64_and_says_what(here: Path, capsys: Capture, line: list[str], said: str) -> None:
    assert main(["eval", *line]) == 64
    assert said in capsys.readouterr().err
