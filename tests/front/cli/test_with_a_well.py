"""Commands that ask: what goes to stdout, what to stderr, and the exit codes of promises and failures."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from stepwell.front.cli.main import main

Capture = pytest.CaptureFixture[str]
FAKE = "stepwell.testing:FakeTier"
PROMPT = "say something nice about zebras"


def tier(reply: str = "an answer", **more: Any) -> dict[str, Any]:
    return {
        "model": f"fake/{reply.split()[-1]}",
        "kind": FAKE,
        "options": {"reply": reply, **more},
        "window_tokens": 8192,
        "usd_per_1m_input": 1.0,
        "usd_per_1m_output": 2.0,
        "quality": 0.95,
    }


def write(folder: Path, **sections: Any) -> None:
    plain: dict[str, Any] = {"tiers": {"standard": tier()}, "cache": {"semantic": "off"}}
    (folder / "stepwell.yaml").write_text(yaml.safe_dump({**plain, **sections}))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    return tmp_path


def test_ask_answers_on_stdout_and_explains_on_stderr(capsys: Capture) -> None:
    assert main(["ask", PROMPT]) == 0
    captured = capsys.readouterr()
    assert captured.out == "an answer\n"
    assert captured.err.startswith("tier: standard (")
    assert "cost: $" in captured.err
    assert "\nwhy: standard by " in captured.err


def test_ask_streams_the_same_answer(capsys: Capture) -> None:
    assert main(["ask", PROMPT, "--stream"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "an answer\n"
    assert "tier: standard" in captured.err


def test_ask_as_json_is_all_on_stdout(capsys: Capture) -> None:
    assert main(["ask", PROMPT, "--json"]) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert captured.err == ""
    assert (told["text"], told["tier"], told["is_degraded"]) == ("an answer", "standard", False)
    assert told["cost_usd"] > 0
    assert told["trace"]["route"]["tier"] == "standard"
    assert PROMPT not in captured.out


def failed(line: list[str], capsys: Capture) -> int:
    """The exit code; the error is one line on stderr, without the prompt."""
    code = main(line)
    captured = capsys.readouterr()
    assert captured.out.strip() == ""
    assert captured.err.startswith("stepwell: ")
    assert captured.err.count("\n") == 1
    assert "zebras" not in captured.err
    return code


def test_a_broken_promise_is_4(here: Path, capsys: Capture) -> None:
    assert failed(["ask", PROMPT, "--max-usd", "1e-9"], capsys) == 4
    write(here, guards={"input": [{"check": "email", "action": "block"}]})
    assert failed(["ask", f"{PROMPT} to ann@example.com"], capsys) == 4
    write(here, tiers={"local": {**tier(), "quality": 0.0}})
    assert failed(["ask", "prove that there are infinitely many primes, in Coq"], capsys) == 4


def test_tiers_that_fail_are_3(here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_OF_A_TEST", "x")
    refused = {"model": "openai/gpt-4.1", "base_url": "http://127.0.0.1:9", "api_key_env": "KEY_OF_A_TEST"}
    write(here, tiers={"premium": refused}, dispatch={"max_retries": 0})
    assert failed(["ask", PROMPT], capsys) == 3
    assert failed(["ask", PROMPT, "--stream"], capsys) == 3


def test_a_wish_that_makes_no_sense_is_2(capsys: Capture) -> None:
    assert failed(["ask", PROMPT, "--tier", "nowhere"], capsys) == 2
    assert failed(["ask", PROMPT, "--max-usd", "-1"], capsys) == 2


def test_explain_decides_and_asks_nobody(here: Path, capsys: Capture) -> None:
    failing = tier()
    failing["options"] = {"reply": [], "delay_s": 3600}
    write(here, tiers={"standard": failing})
    assert main(["explain", PROMPT]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["tier", "p(ok)", "cost", "at", "most", "status"]
    assert "standard" in out
    assert "chosen" in out
    assert "why: standard by " in out
    assert main(["explain", PROMPT, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["tier"] == "standard"
    assert told["estimates"][0]["status"] == "chosen"


def test_check_says_no_where_something_fails(here: Path, capsys: Capture) -> None:
    assert main(["check", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)
    assert {"subject", "status", "detail"} == set(lines[0])
    unpriced = {k: v for k, v in tier().items() if not k.startswith("usd")}
    write(here, tiers={"standard": unpriced})
    assert main(["check"]) == 1
    assert "fail" in capsys.readouterr().out


def test_eval_run_measures_and_keeps_a_journal(here: Path, capsys: Capture) -> None:
    rows = [{"id": i, "prompt": "one word?", "target": target} for i, target in enumerate(["good", "bad"])]
    (here / "suite.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    write(here, tiers={"standard": tier("good")})
    line = ["eval", "run", "suite.jsonl", "--tiers", "standard", "--out", "out"]
    assert main([*line, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [(t["tier"], t["quality"]) for t in report["tiers"]] == [("standard", 0.5)]
    assert (here / "out" / "journal.jsonl").is_file()
    assert json.loads((here / "out" / "report.json").read_text()) == report
    assert main(line) == 0
    assert "2 of 2 samples" in capsys.readouterr().out


def test_an_eval_that_stops_early_is_inconclusive(here: Path, capsys: Capture) -> None:
    rows = [{"id": i, "prompt": "one word?", "target": "good"} for i in range(50)]
    (here / "suite.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    line = ["eval", "run", "suite.jsonl", "--tiers", "standard", "--max-usd", "1e-9", "--concurrency", "1"]
    assert main(line) == 2
    assert "verdict: inconclusive; 1 of 50 samples ended" in capsys.readouterr().out


def test_an_eval_of_nothing_is_64(here: Path, capsys: Capture) -> None:
    assert failed(["eval", "run", "missing.jsonl"], capsys) == 64
    (here / "suite.jsonl").write_text('{"id": 1, "prompt": "zebras?", "target": "x"}')
    assert failed(["eval", "run", "suite.jsonl", "--tiers", "nowhere", "--out", "o"], capsys) == 64


def test_replay_writes_a_row_each_and_tells_of_bad_ones(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = json.dumps({"messages": [{"role": "user", "content": "hi"}], "window_tokens": 4096})
    (here / "rows.jsonl").write_text(f"{good}\n{good}\n")
    assert main(["replay", "context", "rows.jsonl", "--out", "kept.jsonl"]) == 0
    kept = [json.loads(line) for line in (here / "kept.jsonl").read_text().splitlines()]
    assert [row["kept"] for row in kept] == [[0], [0]]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{good}\nno json\n"))
    assert main(["replay", "context", "-"]) == 1
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 2
    assert "bad rows: 1" in captured.err
    assert failed(["replay", "nowhere", "rows.jsonl"], capsys) == 2


def test_ctrl_c_is_130_on_one_line(here: Path) -> None:
    write(here, tiers={"standard": tier(delay_s=60)}, telemetry={"log_path": None})
    code = "import sys\n" + (
        "from stepwell.router.tiers.fake import FakeTier\n"
        "plain = FakeTier._answer\n"
        "async def answer(self, request):\n"
        "    print('asked', file=sys.stderr, flush=True)\n"
        "    return await plain(self, request)\n"
        "FakeTier._answer = answer\n"
        "from stepwell.front.cli.main import main\n"
        "sys.exit(main(['ask', 'hi']))\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        first = child.stderr.readline()
        child.send_signal(signal.SIGINT)
        rest = child.stderr.read()
    assert (first, rest) == ("asked\n", "stepwell: interrupted\n")
    assert child.returncode == 130
