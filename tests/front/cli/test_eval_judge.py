"""`stepwell eval judge`: what it tells, and its exit codes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from stepwell.front.cli.main import main

Capture = pytest.CaptureFixture[str]
YES, NO = '{"reason": "-", "correct": true}', '{"reason": "-", "correct": false}'


def write(folder: Path, **replies: str) -> None:
    tiers = {
        name: {
            "model": f"fake/{name}",
            "kind": "stepwell.testing:FakeTier",
            "options": {"reply": reply},
            "window_tokens": 8192,
            "usd_per_1m_input": 1.0,
            "usd_per_1m_output": 2.0,
            "quality": 0.95,
        }
        for name, reply in replies.items()
    }
    sections = {"tiers": tiers, "cache": {"semantic": "off"}, "guards": {"input": [], "output": []}}
    (folder / "stepwell.yaml").write_text(yaml.safe_dump(sections))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, lax=YES, strict=NO, chatty="Well, that depends.")
    return tmp_path


def told(line: list[str], capsys: Capture, code: int) -> Any:
    assert main(["eval", "judge", *line, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def recorded(path: Path, *, n_vague: int) -> str:
    """60 answers of each style; two of three votes accept `n_vague` of the vague ones."""
    rows = [
        {
            "id": f"{style}-{n}",
            "style": style,
            "question": "?",
            "gold": "1999",
            "answer": "x",
            "category": n % 3,
            "judge_votes": [True, style == "vague" and n < n_vague, False],
        }
        for style in ("vague", "definite")
        for n in range(60)
    ]
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    return str(path)


def test_recorded_votes_are_counted_and_a_lax_judge_refused(here: Path, capsys: Capture) -> None:
    file = recorded(here / "votes.jsonl.gz", n_vague=36)
    report = told([file], capsys, 2)
    assert [(r["style"], r["share"]) for r in report["wrong"]] == [("vague", 0.6), ("definite", 0.0)]
    assert {r["kind"]: r["n_accepted"] for r in report["by_kind"] if r["style"] == "vague"} == {
        "0": 12,
        "1": 12,
        "2": 12,
    }
    assert report["trust"] == "refused"
    assert main(["eval", "judge", file]) == 2
    out = capsys.readouterr().out
    assert "60.0%  47.4% to 71.4%" in out
    assert "refused, the limit is 15%" in out
    assert told([file, "--max-false-accepts", "0.8"], capsys, 0)["trust"] == "trusted"


def test_a_judge_near_the_limit_passes_with_a_word_of_doubt(here: Path, capsys: Capture) -> None:
    assert main(["eval", "judge", recorded(here / "votes.jsonl.gz", n_vague=6)]) == 0
    assert "not shown to be below 15%" in capsys.readouterr().out


def test_a_tier_is_measured_by_the_answers_that_ship(here: Path, capsys: Capture) -> None:
    report = told(["--judge", "lax", "--judge-checks", "8", "--out", "lax"], capsys, 2)
    assert [(r["style"], r["n"], r["share"]) for r in report["wrong"]] == [
        ("specific", 8, 1.0),
        ("vague", 8, 1.0),
    ]
    assert (report["false_reject_share"], report["nano_usd"] > 0) == (0.0, True)
    assert told(["--judge", "lax", "--judge-checks", "8", "--out", "lax"], capsys, 2) == report
    assert len((here / "lax" / "journal.jsonl").read_text().splitlines()) == 24
    strict = told(["--judge", "strict", "--judge-checks", "30"], capsys, 2)
    assert (strict["trust"], strict["false_reject_share"]) == ("refused", 1.0)
    assert [r["share"] for r in strict["wrong"]] == [0.0, 0.0]


def test_a_file_without_votes_is_shown_to_the_tier(here: Path, capsys: Capture) -> None:
    rows = [
        {"id": n, "style": "vague", "question": "?", "gold": "g", "answer": f"a{n}", "category": "c"}
        for n in range(5)
    ]
    (here / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    report = told(["mine.jsonl", "--judge", "lax"], capsys, 2)
    assert [(r["style"], r["n"], r["n_accepted"]) for r in report["wrong"]] == [("vague", 5, 5)]
    assert report["by_kind"][0]["kind"] == "c"
    assert told(["mine.jsonl", "--judge", "lax", "--judge-checks", "2"], capsys, 2)["wrong"][0]["n"] == 2


def test_a_judge_that_gives_no_verdicts_is_infrastructure(capsys: Capture) -> None:
    report = told(["--judge", "chatty", "--judge-checks", "2"], capsys, 3)
    assert (report["n_errors"], report["trust"]) == (6, "not measured")


def test_a_budget_that_leaves_nothing_to_say_is_inconclusive(capsys: Capture) -> None:
    assert told(["--judge", "lax", "--max-usd", "0"], capsys, 2)["trust"] == "not measured"


@pytest.mark.parametrize(
    "line",
    [
        [],
        ["--judge", "nobody"],
        ["missing.jsonl"],
        ["--judge", "lax", "--votes", "2"],
        ["--judge", "lax", "--judge-checks", "0"],
        ["--judge", "lax", "--rubric", "missing.txt"],
        ["stepwell.yaml"],
    ],
)
def test_wrong_usage(line: list[str], capsys: Capture) -> None:
    assert main(["eval", "judge", *line]) == 64
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("stepwell: ")
    assert captured.err.count("\n") == 1
