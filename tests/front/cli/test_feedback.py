"""`stepwell feedback export` and `feedback drift`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepwell.evals.tune.rows import read_outcomes
from stepwell.front.cli.main import main
from stepwell.router.outcome_notes import Note
from stepwell.router.outcomes import OutcomeStore

Capture = pytest.CaptureFixture[str]
SECRET = "where the zebras sleep"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stepwell.yaml").write_text("feedback: {path: outcomes.db}\n")
    return tmp_path


def heard(score: float, n: int = 30, *, keep_prompts: bool = False) -> None:
    store = OutcomeStore("outcomes.db", keep_prompts=keep_prompts)
    for i in range(n):
        store.remember(Note(f"r{i}", "local", f"{SECRET} {i}", tenant="acme" if i else None, p_ok=0.9))
        store.feedback(f"r{i}", score, tenant="acme" if i else None)
    store.close()


def test_outcomes_are_exported_as_tune_reads_them(here: Path, capsys: Capture) -> None:
    heard(0.5, 30)
    assert main(["feedback", "export", "--out", "rows.jsonl"]) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "30 outcomes: rows.jsonl\n")
    outcomes = read_outcomes("rows.jsonl", ["local"])
    assert outcomes.ids == [f"r{i}" for i in range(30)]
    assert set(outcomes.scores[:, 0]) == {0.5}
    assert len(outcomes.kept) == 30
    assert SECRET not in Path("rows.jsonl").read_text()


def test_export_to_stdout_of_one_tenant(here: Path, capsys: Capture) -> None:
    heard(1.0, 3, keep_prompts=True)
    assert main(["feedback", "export", "--tenant", "acme"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["prompt"] for row in rows] == [f"{SECRET} 1", f"{SECRET} 2"]


def test_drift_is_1_where_scores_fell(here: Path, capsys: Capture) -> None:
    heard(1.0)
    assert main(["feedback", "drift"]) == 0
    assert capsys.readouterr().out == "no drift: scores agree with p(ok) over 30 labels\n"
    (here / "outcomes.db").unlink()
    heard(0.0)
    assert main(["feedback", "drift"]) == 1
    assert capsys.readouterr().out.startswith("drifting: scores are 0.90 lower than expected")
    assert main(["feedback", "drift", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["is_drifting"] is True


@pytest.mark.parametrize("action", ["export", "drift"])
def test_where_there_is_no_feedback_it_says_so_and_makes_no_file(
    action: str, here: Path, capsys: Capture
) -> None:
    assert main(["feedback", action]) == 2
    assert "nothing there yet" in capsys.readouterr().err
    assert not (here / "outcomes.db").exists()
    (here / "stepwell.yaml").unlink()
    assert main(["feedback", action]) == 2
    assert "set feedback.path" in capsys.readouterr().err
