"""`stepwell replay context` and `stepwell eval context`."""

from __future__ import annotations

import gzip
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from stepwell.base.tokens import count_text
from stepwell.front.cli.main import main
from tests.evals.context.talks import Letters, locomo, own_line

Capture = pytest.CaptureFixture[str]
REPLAY = ["replay", "context", "talks.json", "--out", "out.jsonl"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("stepwell.base.embedding.load_embedder", lambda _: Letters())
    (tmp_path / "talks.json").write_text(json.dumps(locomo("t", "u"), indent=1))
    return tmp_path


def told(file: str = "out.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(file).read_text().splitlines()]


def test_a_row_a_question_within_its_budget() -> None:
    assert main([*REPLAY, "--budget", "70"]) == 0
    rows = told()
    assert [r["question_id"] for r in rows] == [f"{c}-q{i}" for c in "tu" for i in range(5)]
    assert [set(r) for r in rows] == [{"conv_id", "question_id", "context_text"}] * 10
    assert {r["question_id"].split("-")[0] == r["conv_id"] for r in rows} == {True}
    for row in rows:
        assert 0 < count_text(row["context_text"], "gpt-4") <= 70
        assert "[3 March, 2024]" in row["context_text"] or "[21 April, 2024]" in row["context_text"]


def test_all_of_it_where_it_fits() -> None:
    assert main([*REPLAY, "--budget", "400"]) == 0
    (text,) = {r["context_text"] for r in told()}
    lines = text.splitlines()
    assert [line for line in lines if line.startswith("[")] == ["[3 March, 2024]", "[21 April, 2024]"]
    assert len(lines) == 8
    assert lines[2].endswith("[photo: a boat on a lawn]")


def test_packed_files_and_our_own_lines() -> None:
    with gzip.open("talks.jsonl.gz", "wt", encoding="utf-8") as out:
        out.write(own_line())
    args = ["replay", "context", "talks.jsonl.gz", "--budget", "100", "--out", "out.jsonl"]
    assert main(args) == 0
    assert [r["question_id"] for r in told()] == ["own-q0"]


def test_another_vocabulary_counts() -> None:
    assert main([*REPLAY, "--budget", "70", "--model", "gpt-4o"]) == 0
    assert all(count_text(r["context_text"], "gpt-4o") <= 70 for r in told())


def test_rows_of_messages_go_the_old_way() -> None:
    row = {"messages": [{"role": "user", "content": "hello"}], "window_tokens": 8000}
    Path("rows.jsonl").write_text(json.dumps(row) + "\n")
    assert main(["replay", "context", "rows.jsonl", "--out", "out.jsonl"]) == 0
    assert told()[0]["kept"] == [0]
    assert main(["replay", "context", "rows.jsonl", "--budget", "100"]) == 2


@pytest.mark.parametrize("more", [[], ["--budget", "0"], ["--budget", "63"], ["--budget", "many"]])
def test_a_budget_is_needed(more: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) if "many" in more else nullcontext():
        assert main([*REPLAY, *more]) == 2
    assert "--budget" in capsys.readouterr().err


def test_foreign_lists_are_refused_without_their_text(capsys: Capture) -> None:
    Path("talks.json").write_text('[{"a secret": 1}]')
    assert main([*REPLAY, "--budget", "100"]) == 2
    said = capsys.readouterr().err
    assert "talks.json" in said
    assert "secret" not in said


WRONG = {
    "empty": b"",
    "blank": b"\n \n",
    "foreign": b'{"a secret": 1}\n',
    "indented": b'{\n "a secret": 1\n}\n',
    "text": b"a secret, told in prose\n",
    "binary": bytes(range(128, 256)) + b"\x00\n\xff",
}


@pytest.mark.parametrize("given", WRONG.values(), ids=WRONG)
def test_a_wrong_file_is_named_as_measuring_names_it(given: bytes, capsys: Capture) -> None:
    Path("talks.json").write_bytes(given)
    assert main(["eval", "context", "talks.json"]) == 2
    of_eval = capsys.readouterr().err
    assert main([*REPLAY, "--budget", "100"]) == 2
    said = capsys.readouterr().err
    assert "talks.json: " in said
    assert said == of_eval
    assert "--budget" not in said
    assert "secret" not in said


def test_measures_as_a_table(capsys: Capture) -> None:
    Path("errata.jsonl").write_text('{"question_id": "t-q3", "correct_evidence": ["D2:2"]}\n')
    assert main(["eval", "context", "talks.json", "--budgets", "300,70", "--errata", "errata.jsonl"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "2 conversations, 12 turns, 7 questions with evidence"
    assert [line.split()[0] for line in said[2:14]] == ["70"] * 6 + ["300"] * 6
    assert all(line.split()[-1] == "0" for line in said[2:14])


def test_measures_as_json(capsys: Capture) -> None:
    assert main(["eval", "context", "talks.json", "--budgets", "70", "--json", "--peers"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["n_talks"] == 2
    ours = made["lines"][0]
    assert ours["method"] == "Stepwell"
    assert 0 <= ours["recall"]["low"] <= ours["recall"]["value"] <= ours["recall"]["high"] <= 1
    assert sum(b["n"] for b in ours["calibration"]) == ours["recall"]["n"] == 6


TURNS = ["eval", "context", "talks.json", "--turns"]


def test_measures_prompts_turn_by_turn(capsys: Capture) -> None:
    assert main([*TURNS, "--budgets", "64,300"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("2 conversations, 12 turns")
    assert [line.split()[0] for line in said[2:]] == ["64", "64", "300", "300"]
    assert main([*TURNS, "--budgets", "64,300", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)["lines"]
    assert [(line["budget_tokens"], line["keeps"]) for line in made] == [
        (n, keeps) for n in (64, 300) for keeps in (True, False)
    ]
    assert made[0]["n_prompts"] > 0 == made[2]["n_prompts"]
    assert 0 <= made[0]["same_share"] <= 1


def test_turns_need_no_questions(capsys: Capture) -> None:
    samples = locomo("t")
    samples[0]["qa"] = []
    Path("talks.json").write_text(json.dumps(samples))
    assert main(TURNS) == 0
    assert main([*TURNS, "--peers"]) == 2
    assert "--turns" in capsys.readouterr().err


@pytest.mark.parametrize("budgets", ["", "a", "10", "1000,", "100;200"])
def test_wrong_budgets(budgets: str, capsys: Capture) -> None:
    assert main(["eval", "context", "talks.json", "--budgets", budgets]) == 2
    assert "--budgets" in capsys.readouterr().err


def test_nothing_to_measure(capsys: Capture) -> None:
    samples = locomo("t")
    samples[0]["qa"] = []
    Path("talks.json").write_text(json.dumps(samples))
    assert main(["eval", "context", "talks.json"]) == 2
    assert "no question names its evidence" in capsys.readouterr().err
