"""`stepwell tune`: what it writes, what it says, and its exit codes."""

from __future__ import annotations

import gzip
import html
import importlib
import importlib.util
import io
import json
import random
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import yaml

from stepwell.base.config import Config
from stepwell.base.embedding import embedder_name
from stepwell.evals.tune.report import TuneReport
from stepwell.front.cli.main import main
from stepwell.router.learned.bundle import load_bundle
from stepwell.router.outcome_notes import Note
from stepwell.router.outcomes import OutcomeStore
from tests.support.outcome_rows import TOPICS, made, shuffled, text, write

Capture = pytest.CaptureFixture[str]
PLAIN = ["--tiers", "weak,strong", "--no-embedding"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy of 240 rows, with its report."""
    folder = tmp_path_factory.mktemp("tuned")
    rows = write(folder / "rows.jsonl", made(240))
    report = str(folder / "report.html")
    assert main(["tune", rows, *PLAIN, "--out", str(folder / "policy"), "--report", report]) == 0
    return folder


def test_a_policy_that_keeps_the_promise_is_0_and_says_so(tuned: Path) -> None:
    card = load_bundle(tuned / "policy").card
    assert card.tiers == ("weak", "strong")
    assert (card.n_rows, card.min_quality) == (240, 0.95)
    assert card.price is not None
    assert card.verdict.startswith("The learned router keeps 95% of strong's mean score")
    page = (tuned / "report.html").read_text()
    assert html.escape(card.verdict) in page
    assert "rows.jsonl" in page
    assert str(tuned) not in page


def test_the_report_as_json_comes_back_whole(here: Path, capsys: Capture) -> None:
    rows = write(here / "rows.jsonl", made(120))
    main(["tune", rows, *PLAIN, "--json"])
    captured = capsys.readouterr()
    told = msgspec.json.decode(captured.out, type=TuneReport)
    assert msgspec.json.encode(told).decode() == captured.out.strip()
    assert (told.tiers, told.origin.n_rows, told.verdict.n_labels) == (("weak", "strong"), 120, 120)
    assert (here / "policy" / "card.json").is_file()
    assert "cubes" not in captured.out + captured.err


def test_shuffled_labels_are_refused_with_1_and_a_fallback_is_written(here: Path, capsys: Capture) -> None:
    rows = write(here / "rows.jsonl", shuffled(made(240)))
    assert main(["tune", rows, *PLAIN, "--out", "p"]) == 1
    card = load_bundle("p").card
    assert card.price is None
    assert card.mix is not None
    assert sum(card.mix.values()) == pytest.approx(1)
    assert card.verdict in capsys.readouterr().out


def test_stdin_packed_and_several_files_read_alike(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    rows = made(80)
    (here / "a.jsonl.gz").write_bytes(gzip.compress(text(rows[:40]).encode()))
    (here / "b.jsonl").write_text(text(rows[40:]).rstrip("\n"))
    digests = set()
    for n, files in enumerate((["a.jsonl.gz", "b.jsonl"], ["a.jsonl.gz", "-"])):
        monkeypatch.setattr("sys.stdin", io.StringIO(text(rows[40:])))
        main(["tune", *files, *PLAIN, "--out", f"p{n}"])
        digests.add(load_bundle(f"p{n}").card.data_sha256)
    assert len(digests) == 1
    assert "learning from 80 rows of weak, strong" in capsys.readouterr().err


def test_prices_give_the_order_whatever_the_file_names_first(here: Path) -> None:
    turned = [row | {"scores": dict(reversed(row["scores"].items()))} for row in made(60)]
    rows = write(here / "rows.jsonl", turned)
    main(["tune", rows, "--no-embedding", "--prices", "weak=0.1,strong=1", "--out", "p"])
    assert load_bundle("p").card.tiers == ("weak", "strong")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("rows.jsonl --tiers weak,strong --prices weak=2,strong=1", "'weak' costs more than 'strong'"),
        ("rows.jsonl --seed -1", "--seed"),
        ("rows.jsonl --prices weak=nan", "0 or more"),
        ("rows.jsonl --prices weak=1/-2", "0 or more"),
        ("rows.jsonl --prices weak=inf", "0 or more"),
        ("rows.jsonl --prices weak=1,strnog=2", "did you mean 'strong'"),
        ("", "name a file"),
        ("missing.jsonl", "missing.jsonl: No such file"),
        ("rows.jsonl --tiers weak,strnog", "did you mean 'strong'"),
        ("rows.jsonl --prices weak=cheap", "'weak=cheap'"),
        ("rows.jsonl --min-quality 1.5", "--min-quality"),
        ("rows.jsonl --min-quality nan", "--min-quality"),
        ("rows.jsonl --max-usd 0", "--max-usd"),
        ("rows.jsonl --from-feedback", "feedback.path"),
        ("rows.jsonl --if-drift", "feedback.path"),
        ("rows.jsonl --refine nowhere", "No learned policy at nowhere"),
        ("rows.jsonl --refine nowhere --report x.html", "--report"),
        ("torn.jsonl", "Line 2"),
        ("rows.jsonl torn.jsonl", "torn.jsonl, line 2: not a JSON object"),
        ("torn.jsonl.gz", "damaged"),
    ],
)
def test_what_is_wrong_is_one_line_and_2(line: str, said: str, here: Path, capsys: Capture) -> None:
    write(here / "rows.jsonl", made(30))
    (here / "torn.jsonl").write_text(text(made(1)) + '{"prompt": "zebras')
    (here / "torn.jsonl.gz").write_bytes(gzip.compress(text(made(30)).encode())[:-20])
    assert main(["tune", *line.split(), "--no-embedding"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("stepwell: ")
    assert captured.err.count("\n") == 1
    assert said in captured.err
    assert "zebras" not in captured.err


def test_without_scikit_learn_it_says_what_to_install(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sklearn" else find(name))
    assert main(["tune", write(here / "rows.jsonl", made(30)), *PLAIN]) == 2
    assert "stepwell[tune]" in capsys.readouterr().err


def test_the_help_tells_what_1_means(capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main(["tune", "--help"])
    out = capsys.readouterr().out
    assert "fixed mix" in out
    assert "refused by a promise" in out


def test_refining_adds_rows_and_keeps_the_promise(tuned: Path, here: Path, capsys: Capture) -> None:
    more = write(here / "more.jsonl", made(40, seed=1))
    assert main(["tune", more, "--refine", str(tuned / "policy"), "--out", "p"]) == 0
    was, now = load_bundle(tuned / "policy").card, load_bundle("p").card
    assert (was.n_rows, now.n_rows) == (240, 280)
    assert (now.price, now.min_quality) == (was.price, None)
    assert now.verdict == "refined with 40 rows since it was tested; tune again for a promise"
    assert "not been tested again" in capsys.readouterr().out
    # what was written can be refined in its place
    assert main(["tune", write(here / "third.jsonl", made(10, seed=2)), "--refine", "p", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_rows"] == load_bundle("p").card.n_rows == 290


def test_embedded_rows_give_a_policy_that_reads_vectors(here: Path, capsys: Capture) -> None:
    rows = write(here / "rows.jsonl", made(60))
    main(["tune", rows, "--tiers", "weak,strong", "--out", "p"])
    bundle = load_bundle("p")
    assert bundle.card.embedder == embedder_name(Config().embedding)
    assert bundle.model.vectorial is not None
    capsys.readouterr()
    assert main(["replay", "router", rows, "--policy", "p"]) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert set(first["p_ok"]) == {"weak", "strong"}
    assert first["novelty"] is not None


# ---- feedback


def feedback(folder: Path, n: int, *, drifts: bool = False, **more: Any) -> None:
    """A configuration with feedback on the strong tier's answers to `n` asks; texts are not kept."""
    (folder / "stepwell.yaml").write_text(yaml.safe_dump({"feedback": {"path": "outcomes.db"}}))
    store = OutcomeStore("outcomes.db", **more)
    rng = random.Random(7)
    for i in range(n):
        ask = TOPICS[i % 2].format(i)
        store.remember(Note(f"f{i}", "strong", ask, p_ok=0.95, need=rng.random(), out_tokens=50))
        store.feedback(f"f{i}", float(rng.random() < (0.3 if drifts else 0.95)))
    store.close()


def test_feedback_without_texts_adds_to_outcomes(here: Path, capsys: Capture) -> None:
    rows = write(here / "rows.jsonl", made(120))
    feedback(here, 40)
    main(["tune", rows, *PLAIN, "--from-feedback", "--out", "p"])
    assert "40 outcomes from feedback" in capsys.readouterr().err
    assert load_bundle("p").card.n_rows == 160


def test_feedback_alone_can_promise_nothing_but_refines(tuned: Path, here: Path, capsys: Capture) -> None:
    feedback(here, 30)
    assert main(["tune", "--from-feedback", *PLAIN]) == 2
    assert "weak" in capsys.readouterr().err
    assert main(["tune", "--from-feedback", "--refine", str(tuned / "policy"), "--out", "p"]) == 0
    assert load_bundle("p").card.n_rows == 270


def test_feedback_s_own_vectors_are_used_where_the_embedder_is_the_same(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    (here / "flat_embedder.py").write_text(
        "import numpy as np\n"
        "class Flat:\n"
        "    name, dim, asked = 'flat', 4, []\n"
        "    def embed(self, texts):\n"
        "        Flat.asked += texts\n"
        "        return np.full((len(texts), 4), 0.5, np.float32)\n"
    )
    monkeypatch.syspath_prepend(str(here))
    rows = write(here / "rows.jsonl", made(60))
    embedder = "flat_embedder:Flat"
    config = {"feedback": {"path": "outcomes.db"}, "embedding": {"embedder": embedder}}
    feedback(here, 5)
    (here / "stepwell.yaml").write_text(yaml.safe_dump(config))
    store = OutcomeStore("outcomes.db")
    vector = np.array([1, 0, 0, 0], np.float32)
    store.remember(Note("own", "weak", TOPICS[0].format(5), vector=vector, embedder=embedder))
    store.remember(Note("other", "weak", TOPICS[0].format(6), vector=vector, embedder="another"))
    for name in ("own", "other"):
        store.feedback(name, 1.0)
    store.close()
    main(["tune", rows, "--tiers", "weak,strong", "--from-feedback", "--out", "p"])
    assert "6 rows left out" in capsys.readouterr().err
    card = load_bundle("p").card
    assert (card.n_rows, card.embedder) == (61, embedder)
    assert len(importlib.import_module("flat_embedder").Flat.asked) == 60


def test_if_drift_tunes_only_where_traffic_moved(here: Path, capsys: Capture) -> None:
    rows = write(here / "rows.jsonl", made(60))
    feedback(here, 60)
    line = ["tune", rows, *PLAIN, "--if-drift", "--out", "p"]
    assert main(line) == 0
    assert "no drift, nothing to do" in capsys.readouterr().err
    assert not (here / "p").exists()
    (here / "outcomes.db").unlink()
    feedback(here, 60, drifts=True)
    main(line)
    assert "lower than expected" in capsys.readouterr().err
    assert load_bundle("p").card.n_rows == 60
