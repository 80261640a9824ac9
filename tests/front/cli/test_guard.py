"""`stepwell guard tune` and `stepwell guard report`."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.base.config import EmbeddingConfig
from stepwell.base.embedding import load_embedder
from stepwell.front.cli.exits import Exit
from stepwell.front.cli.main import main
from stepwell.guards.calibrate.thresholds import Thresholds

Capture = pytest.CaptureFixture[str]
VERBS = ["repair", "paint", "buy", "clean", "draw", "lift", "sell", "open", "carry", "weigh", "lend", "store"]
THINGS = ["pump", "rope", "bucket", "lid", "wall", "pipe", "valve", "crank", "filter", "tank", "hose", "gate"]
ABUSE = ["you stupid idiot", "shut up you bitch", "you are pathetic trash", "I hate you, you disgusting pig"]


class Words:
    """The shipped embedder; each text once for all tests. Vectors by chance would score 1 everywhere."""

    name = "words-1"
    dim = 384

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if fresh := [t for t in dict.fromkeys(texts) if t not in _KNOWN]:
            _KNOWN.update(zip(fresh, load_embedder(EmbeddingConfig()).embed(fresh), strict=True))
        return np.stack([_KNOWN[t] for t in texts])


_KNOWN: dict[str, NDArray[np.float32]] = {}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stepwell.yaml").write_text("embedding: {embedder: 'tests.front.cli.test_guard:Words'}\n")
    return tmp_path


def write(path: Path, rows: Sequence[dict[str, object]]) -> str:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return str(path)


def honest(n: int, seed: int = 0) -> list[dict[str, object]]:
    rng = random.Random(seed)
    texts = [f"how do I {v} a {t} of size {i}" for i, v in enumerate(VERBS) for t in THINGS]
    texts += [
        f"which {t} goes with the {u}, the {v} one"
        for t in THINGS
        for u in THINGS
        for v in ("old", "new", "red")
    ]
    rng.shuffle(texts)
    assert n <= len(texts)
    return [{"text": t, "label": 0, "source": "shop" if i % 2 else "wiki"} for i, t in enumerate(texts[:n])]


ATTACKS: list[dict[str, object]] = [
    {"text": t, "label": 1, "category": "threat" if i else "insult"} for i, t in enumerate(ABUSE)
]


def test_tunes_and_says_what_it_promises(here: Path, capsys: Capture) -> None:
    rows = write(here / "rows.jsonl", honest(350) + ATTACKS)
    assert main(["guard", "tune", rows, "--check", "toxicity", "--out", "t.json"]) == Exit.OK
    shown = capsys.readouterr()
    assert re.search(r"at most 1\.00% .*95% confidence|at most 0\.\d\d% .*95% confidence", shown.out)
    assert "recall" in shown.out
    assert "insult" in shown.out
    assert "guards: {thresholds: t.json}" in shown.err
    kept = Thresholds.load(here / "t.json")
    assert list(kept.checks) == ["toxicity"]
    assert kept.checks["toxicity"].n_honest == 350
    assert (here / "t.json").stat().st_mode & 0o777 == 0o600
    assert "pump" not in (here / "t.json").read_text()


def test_too_few_rows_say_how_many_would_do(here: Path, capsys: Capture) -> None:
    rows = write(here / "rows.jsonl", honest(200))
    assert main(["guard", "tune", rows, "--check", "toxicity", "--out", "t.json"]) == Exit.NO
    assert "299 would settle it" in capsys.readouterr().out
    (tuned,) = json.loads(run_json(capsys, rows, "--false-blocks", "0.05"))
    assert tuned["cut"]["rests_on"] == "rows"
    assert tuned["cut"]["promised"] <= 0.05


def run_json(capsys: Capture, rows: str, *options: str) -> str:
    assert (
        main(["guard", "tune", rows, "--check", "toxicity", "--out", "t.json", "--json", *options]) == Exit.OK
    )
    return capsys.readouterr().out


def test_the_mean_is_a_weaker_promise(here: Path, capsys: Capture) -> None:
    rows = write(here / "rows.jsonl", honest(400))
    (sure,) = json.loads(run_json(capsys, rows, "--false-blocks", "0.05"))
    (mean,) = json.loads(run_json(capsys, rows, "--false-blocks", "0.05", "--promise", "mean"))
    assert mean["cut"]["threshold"] <= sure["cut"]["threshold"]
    assert mean["cut"]["confidence"] < 0.95 <= sure["cut"]["confidence"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--false-blocks", "0"], "--false-blocks must be above 0"),
        (["--confidence", "1"], "--confidence"),
        (["--check", "secrets"], "no check that has learned is named secrets"),
        (["--check", "nothing"], "no check that has learned is named nothing"),
    ],
)
def test_refuses_what_makes_no_sense(here: Path, capsys: Capture, options: list[str], why: str) -> None:
    rows = write(here / "rows.jsonl", honest(100))
    assert main(["guard", "tune", rows, "--out", "t.json", *options]) == Exit.USAGE
    assert why in capsys.readouterr().err
    assert not (here / "t.json").exists()


def test_a_bad_line_is_named_and_not_shown(here: Path, capsys: Capture) -> None:
    (here / "rows.jsonl").write_text('{"text": "my secret words", "label": 7}\n')
    assert main(["guard", "tune", "rows.jsonl", "--out", "t.json"]) == Exit.USAGE
    shown = capsys.readouterr().err
    assert "rows.jsonl, line 1" in shown
    assert "secret words" not in shown
    (here / "rows.jsonl").write_bytes(b'{"text": "how"}\n{"text": "caf\xe9"}\n')
    assert main(["guard", "tune", "rows.jsonl", "--out", "t.json"]) == Exit.USAGE
    assert capsys.readouterr().err == "stepwell: rows.jsonl, line 2: not UTF-8\n"


def test_checks_that_the_rows_tell_nothing_keep_what_is_shipped(here: Path, capsys: Capture) -> None:
    rows = write(here / "rows.jsonl", honest(350) + ATTACKS)
    assert main(["guard", "tune", rows, "--out", "t.json"]) in (Exit.OK, Exit.NO)
    said = capsys.readouterr().err
    assert "groundedness: 0 honest answers with documents" in said
    assert set(Thresholds.load("t.json").checks) == {"harmful", "injection", "toxicity"}
    wanted = ["guard", "tune", rows, "--check", "toxicity", "--check", "groundedness", "--out", "t.json"]
    assert main(wanted) == Exit.NO
    assert list(Thresholds.load("t.json").checks) == ["toxicity"]


def test_answers_with_documents_tune_groundedness(here: Path, capsys: Capture) -> None:
    source = "The gate of the old tank opens at nine and the pump starts at ten in the morning."
    answers = [f"{r['text']} said the keeper of gate number {i}." for i, r in enumerate(honest(40))]
    rows = write(here / "rows.jsonl", [{"text": t, "label": 0, "documents": [source]} for t in answers])
    wanted = ["guard", "tune", rows, "--check", "groundedness", "--out", "t.json", "--false-blocks", "0.05"]
    assert main(wanted) == Exit.NO
    assert "no threshold keeps 5.00%: 40 of 40" in capsys.readouterr().err
    assert not (here / "t.json").exists()


def test_the_budget_asked_for_is_kept_and_said(here: Path, capsys: Capture) -> None:
    rows = write(here / "rows.jsonl", honest(350) + ATTACKS)
    tune = ["guard", "tune", rows, "--check", "toxicity", "--out", "t.json"]
    assert main([*tune, "--false-blocks", "0.05"]) == Exit.OK
    said = capsys.readouterr().err
    assert "  promises: {max_false_blocks: 0.05}\n" in said
    assert "{check: toxicity, false_blocks: 0.05}" in said
    report = ["guard", "report", rows, "--check", "toxicity", "--thresholds", "t.json"]
    assert main([*report, "--json"]) == Exit.OK
    (found,) = json.loads(capsys.readouterr().out)
    assert found["tuned"] == Thresholds.load("t.json").threshold("toxicity", 0.05)
    assert main(report) == Exit.OK
    assert "for a budget of 5.00%" in capsys.readouterr().out
    assert main([*report, "--json", "--false-blocks", "0.01"]) == Exit.OK
    (strict,) = json.loads(capsys.readouterr().out)
    assert strict["tuned"] > found["tuned"]
    assert main(tune) == Exit.OK
    assert "promises" not in capsys.readouterr().err


def test_few_rows_tune_nothing(here: Path, capsys: Capture) -> None:
    reviewed = [{**r, "check": "toxicity", "ts_s": 1.0} for r in honest(60, seed=1)]
    rows = write(here / "rows.jsonl", [*honest(10), *reviewed])
    assert main(["guard", "tune", rows, "--check", "toxicity", "--out", "t.json"]) == Exit.USAGE
    assert "10 honest texts; 30 are the least" in capsys.readouterr().err


def test_takes_the_judges_of_the_configuration(here: Path, capsys: Capture) -> None:
    with (here / "stepwell.yaml").open("a") as file:
        file.write("guards: {input: [secrets, {check: toxicity, options: {floor: 0.3}}, language]}\n")
    rows = write(here / "rows.jsonl", honest(40))
    assert main(["guard", "tune", rows, "--out", "t.json"]) == Exit.NO
    assert list(Thresholds.load("t.json").checks) == ["toxicity"]
    assert "language: its threshold stays" in capsys.readouterr().err
    kept = Thresholds.load("t.json").checks["toxicity"]
    assert all(0.3 <= c.threshold <= 1 for c in kept.cuts)


def test_reports_both_thresholds_on_other_rows(here: Path, capsys: Capture) -> None:
    rows = write(here / "rows.jsonl", honest(350))
    main(["guard", "tune", rows, "--check", "toxicity", "--out", "t.json"])
    capsys.readouterr()
    fresh = write(here / "fresh.jsonl", honest(80, seed=5) + ATTACKS)
    wanted = ["guard", "report", fresh, "--check", "toxicity", "--thresholds", "t.json"]
    assert main([*wanted, "--json"]) == Exit.OK
    (found,) = json.loads(capsys.readouterr().out)
    assert found["tuned"] == Thresholds.load("t.json").threshold("toxicity", 0.01)
    assert {line["source"] for line in found["lines"]} == {"all", "shop", "wiki", "insult", "threat"}
    assert main(wanted[:-2]) == Exit.OK
    assert "not tuned" in capsys.readouterr().out
