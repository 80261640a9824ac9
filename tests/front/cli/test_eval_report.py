"""`stepwell eval report`: the pages of a run that was made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepwell.evals.folder import RunFolder
from stepwell.front.cli.main import main
from tests.support.eval_runs import made_run

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    made = made_run(tmp_path, 900)
    RunFolder(tmp_path).keep_suite(made.suite)
    return tmp_path


def test_writes_both_into_the_run_and_says_so(run: Path, capsys: Capture) -> None:
    assert main(["eval", "report", str(run)]) == 0
    assert "<h1" in (run / "report.html").read_text("utf-8")
    assert (run / "report.md").read_text("utf-8").startswith("### good is better than cheap by ")
    said = capsys.readouterr()
    assert said.out == ""
    assert "report.html" in said.err


def test_the_question_can_be_another(run: Path, capsys: Capture) -> None:
    out = run / "page.html"
    given = ["--baseline", "good", "--html", str(out), "--markdown", "-", "--prompts", "--failures", "1"]
    assert main(["eval", "report", str(run), *given]) == 0
    text = capsys.readouterr().out
    assert text.startswith("### cheap is worse than good by ")
    assert "Question " in text
    assert " answered `" in text
    assert out.is_file()
    assert not (run / "report.html").exists()


def test_json_says_the_verdict_and_the_exit_code_stays_0(run: Path, capsys: Capture) -> None:
    assert main(["eval", "report", str(run), "--baseline", "good", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["exit_code"]) == ("regression", 1)


@pytest.mark.parametrize(
    "given",
    [["--baseline", "none"], ["--failures", "-1"], ["--max-chars", "0"], ["--html", "no/such/folder.html"]],
)
def test_wrong_usage_is_64(run: Path, given: list[str]) -> None:
    assert main(["eval", "report", str(run), *given]) == 64


def test_a_folder_without_a_run_is_64(tmp_path: Path) -> None:
    assert main(["eval", "report", str(tmp_path)]) == 64
