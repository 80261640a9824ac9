"""`stepwell eval run` and `eval gate`, as a CI script meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from stepwell.front.cli.main import main

Capture = pytest.CaptureFixture[str]
ROWS = 60


def tier(reply: str, usd_per_1m: float) -> dict[str, Any]:
    return {
        "model": f"fake/{reply}",
        "kind": "stepwell.testing:FakeTier",
        "options": {"reply": reply},
        "window_tokens": 8192,
        "usd_per_1m_input": usd_per_1m,
        "usd_per_1m_output": usd_per_1m,
        "quality": 0.9,
    }


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    tiers = {"small": tier("no", 1.0), "large": tier("yes", 10.0)}
    (tmp_path / "stepwell.yaml").write_text(yaml.safe_dump({"tiers": tiers, "promises": {"min_p_ok": 0}}))
    rows = ({"prompt": f"say {n}", "target": "yes", "scorer": "exact"} for n in range(ROWS))
    (tmp_path / "suite.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return tmp_path


def test_a_run_tells_where_it_goes_what_it_costs_and_which_is_worse(here: Path, capsys: Capture) -> None:
    assert main(["eval", "run", "suite.jsonl", "--baseline", "large", "--out", "run"]) == 1
    captured = capsys.readouterr()
    assert "run: run (taken up again by --out run)" in captured.err
    assert "120 samples, about $" in captured.err
    assert "verdict: regression; small is worse than large: -1.000" in captured.out
    assert {p.stat().st_mode & 0o777 for p in (here / "run").iterdir()} == {0o600}
    assert (here / "run").stat().st_mode & 0o777 == 0o700


def test_the_gate_wants_something_to_gate_on(capsys: Capture) -> None:
    assert main(["eval", "run", "suite.jsonl", "--out", "run"]) == 0
    assert "a pass says only that the run is whole" in capsys.readouterr().out
    assert main(["eval", "gate", "run"]) == 64
    assert "nothing to gate on" in capsys.readouterr().err
    assert main(["eval", "gate", "run", "--baseline", "large"]) == 1
    assert main(["eval", "gate", "run", "--baseline", "small"]) == 0
    assert main(["eval", "gate", "run", "--min-quality", "0.5"]) == 1
    assert main(["eval", "gate", "run", "--baseline", "nobody"]) == 64


def test_a_folder_taken_up_by_another_suite_reports_that_one(here: Path, capsys: Capture) -> None:
    assert main(["eval", "run", "suite.jsonl", "--out", "run"]) == 0
    (here / "other.jsonl").write_text('{"id": "x", "prompt": "say so", "target": "no"}')
    assert main(["eval", "run", "other.jsonl", "--out", "run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["suite"], told["n_planned"], told["n_ended"]) == ("other", 2, 2)
    assert {t["tier"]: t["quality"] for t in told["tiers"]} == {"small": 1.0, "large": 0.0}


def test_the_first_error_of_each_kind_is_told_once(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_OF_A_TEST", "x")
    config = yaml.safe_load((here / "stepwell.yaml").read_text())
    refused = {"model": "openai/gpt-4.1", "base_url": "http://127.0.0.1:9", "api_key_env": "KEY_OF_A_TEST"}
    config["tiers"]["refused"] = refused
    (here / "stepwell.yaml").write_text(yaml.safe_dump(config))
    assert main(["eval", "run", "suite.jsonl", "--tiers", "refused", "--limit", "4", "--out", "run"]) == 3
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("refused: ")]
    assert len(told) == 1
