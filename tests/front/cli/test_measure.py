"""`stepwell eval router|promise|cascade|noise|confidence`, and from `eval run` to `tune`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from stepwell.front.cli.main import main
from stepwell.router.learned.bundle import load_bundle, read_card
from tests.support.outcome_rows import TOPICS, made, write

Capture = pytest.CaptureFixture[str]
PAIR = ["--tiers", "weak,strong", "--no-embedding"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(line: list[str], capsys: Capture, code: int = 0) -> Any:
    assert main([*line, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_routers_stand_side_by_side(here: Path, capsys: Capture) -> None:
    rows = write(here / "rows.jsonl", made(160, dataset="mmlu"))
    line = ["eval", "router", rows, *PAIR, "--labels", "80", "--seeds", "1", "--no-litellm"]
    (table,) = told(line, capsys)
    by = {row["router"]: row for row in table["rows"]}
    assert by["learned"]["apgr"] > by["random"]["apgr"] + 0.1
    assert (table["n_labels"], table["n_rows"]) == (80, 80)
    assert main(line) == 0
    out = capsys.readouterr().out
    assert out.startswith("rows.jsonl: weak 0.")
    assert any(
        line.split()[:5] == ["RouteLLM", "SW", "ranking", "(published)", "0.603"] for line in out.splitlines()
    )


def test_the_promise_is_counted_over_samples(here: Path, capsys: Capture) -> None:
    rows = write(here / "rows.jsonl", made(600))
    line = ["eval", "promise", rows, *PAIR, "--labels", "200", "--resamples", "6", "--quick"]
    study = told(line, capsys)
    assert (study["n_labels"], study["n_samples"]) == (200, 6)
    assert study["by"]["router"] == 6
    assert 0.3 < study["premium_share"] < study["mix_share"]
    refused = told([*line, "--shuffled"], capsys)
    assert refused["by"]["router"] == 0
    assert main([*line, "--shuffled"]) == 0
    assert "200 labels (shuffled)" in capsys.readouterr().out
    assert main([*line, "--min-quality", "2"]) == 2


def answered(n: int) -> list[dict[str, Any]]:
    rows = []
    for i in range(n):
        said = {"a": i + (i % 4 == 0), "b": i + 2 * (i % 3 == 0), "s": i}
        rows.append(
            {
                "id": i,
                "prompt": f"How many apples are {i} + 0? Answer with a number.",
                "answers": {t: str(a) for t, a in said.items()},
                "scores": {t: float(a == i) for t, a in said.items()},
                "out_tokens": dict.fromkeys(said, 20),
            }
        )
    return rows


def test_a_cascade_is_measured_three_ways(here: Path, capsys: Capture) -> None:
    line = ["eval", "cascade", write(here / "rows.jsonl", answered(120)), "--cheap", "a,b", "--strong", "s"]
    found = told(line, capsys)
    assert list(found) == ["length of the first answer", "agreement, no labels", "labels, 5-fold"]
    assert found["agreement, no labels"]["apgr"] > found["length of the first answer"]["apgr"] + 0.1
    assert main([*line, "--prices", "a=1,b=1,s=50"]) == 0
    out = capsys.readouterr().out
    assert "right in 100.0%" in out
    assert "with labels it pays" in out
    assert main([*line, "--prices", "a=10,b=10,s=10"]) == 1


def test_noise_is_told_by_kind(here: Path, capsys: Capture) -> None:
    rows = write(here / "rows.jsonl", made(40))
    found = told(["eval", "noise", rows, "--rows", "20", "--least", "0.5"], capsys)
    assert found["n_rows"] == 20
    assert found["same_tier"]["padding"] == found["same_tier"]["wrapping"] == 1.0
    main(["tune", rows, *PAIR, "--out", "p"])
    capsys.readouterr()
    found = told(["eval", "noise", rows, "--policy", "p", "--least", "0.01"], capsys)
    assert set(found["same_tier"]) == {"typos", "paraphrase", "padding", "case", "wrapping"}
    assert main(["eval", "noise", rows, "--least", "7"]) == 2


SURE = """
import random, msgspec
from stepwell.base.messages import decode_answer
from stepwell.router.tiers.base import Completed
from stepwell.testing import FakeTier

class Sure(FakeTier):
    '''Right where it is sure, in half of its answers.'''
    async def complete(self, request):
        rng = random.Random(request.messages[-1].text)
        is_right = rng.random() < 0.5
        self._next = lambda _: 'yes' if is_right else 'no'
        body = msgspec.json.decode((await super().complete(request)).body)
        logprob = -rng.random() - (0.0 if is_right else 0.6)
        body['choices'][0]['logprobs'] = {'content': [{'token': 'x', 'logprob': logprob}]}
        whole = msgspec.json.encode(body)
        return Completed(whole, decode_answer(whole))

class Flat:
    name, dim = 'flat', 2
    def embed(self, texts):
        import numpy as np
        return np.array([[1, 0] if t[0] == 'a' else [0, 1] for t in texts], np.float32)
"""


def tier(name: str, usd: float, **more: Any) -> dict[str, Any]:
    prices = {"usd_per_1m_input": usd, "usd_per_1m_output": usd}
    return {"model": f"fake/{name}", "window_tokens": 8192, "quality": 0.95, **prices, **more}


ONE_TWO = [
    {"id": i, "prompt": TOPICS[i % 2].format(i), "scores": {"one": float(i % 2), "two": 1.0}}
    for i in range(160)
]


def confident_suite(here: Path, monkeypatch: pytest.MonkeyPatch, one: dict[str, Any], n: int = 80) -> str:
    """Tiers "one" and "two" on fakes that say how sure they are, and a suite for them."""
    (here / "sure_tier.py").write_text(SURE)
    monkeypatch.syspath_prepend(str(here))
    config = {
        "tiers": {"one": one, "two": tier("two", 9.0, kind="sure_tier:Sure")},
        "embedding": {"embedder": "sure_tier:Flat"},
        "cache": {"semantic": "off"},
    }
    (here / "stepwell.yaml").write_text(yaml.safe_dump(config))
    suite = [
        {"id": i, "prompt": f"{'ab'[i % 2]} {i}", "target": "yes", "tags": ["ab"[i % 2]]} for i in range(n)
    ]
    return write(here / "suite.jsonl", suite)


def test_confidence_is_weighed_and_its_journal_taken_up_again(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    suite = confident_suite(here, monkeypatch, tier("one", 1.0, kind="sure_tier:Sure"))
    line = ["eval", "confidence", suite, "--tier", "one", "--out", "out"]
    found = told(line, capsys)
    assert found["over_all"]["smallest log-probability"]["value"] > 0.8
    assert json.loads((here / "out" / "report.json").read_text()) == found
    journal = (here / "out" / "journal.jsonl").read_text()
    assert main(line) == 0
    assert "calibration: log-odds" in capsys.readouterr().out
    # but for the header nothing was asked again
    assert len((here / "out" / "journal.jsonl").read_text().splitlines()) == len(journal.splitlines()) + 1
    assert main([*line[:4], "nowhere"]) == 2
    assert main(["eval", "confidence", "no_such_suite", "--tier", "one"]) == 2


def test_a_calibration_goes_into_a_policy_and_outlives_the_next_tuning(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    one = tier("one", 1.0, kind="sure_tier:Sure", capabilities=["logprobs"])
    suite = confident_suite(here, monkeypatch, one)
    tune = ["tune", write(here / "rows.jsonl", ONE_TWO), "--no-embedding", "--tiers", "one,two", "--out", "p"]
    main(tune)
    line = ["eval", "confidence", suite, "--policy", "p", "--out", "out", "--tier"]
    assert main([*line, "three"]) == 2
    assert not (here / "out").exists()
    capsys.readouterr()
    found = told([*line, "one"], capsys)["calibration"]
    assert read_card("p").confidence == {"one": (found["a"], found["b"])}
    assert load_bundle("p").card == read_card("p")
    main([*tune, "--seed", "1"])
    assert load_bundle("p").card.seed == 1
    assert read_card("p").confidence == {"one": (found["a"], found["b"])}
    routing = {"policy": "learned:p", "confidence": "on"}
    config = yaml.safe_load((here / "stepwell.yaml").read_text())
    (here / "stepwell.yaml").write_text(yaml.safe_dump({**config, "routing": routing}))
    capsys.readouterr()
    assert main(["check"]) in (0, 1)
    assert "calibrated for one" in capsys.readouterr().out


def test_what_is_no_better_than_chance_calibrates_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    suite = confident_suite(here, monkeypatch, tier("one", 1.0, kind="sure_tier:Sure"))
    source = SURE.replace("(0.0 if is_right else 0.6)", "(0.6 if is_right else 0.0)")
    (here / "unsure_tier.py").write_text(source.replace("Sure", "Unsure"))
    config = yaml.safe_load((here / "stepwell.yaml").read_text())
    config["tiers"]["one"]["kind"] = "unsure_tier:Unsure"
    (here / "stepwell.yaml").write_text(yaml.safe_dump(config))
    main(["tune", write(here / "rows.jsonl", ONE_TWO), "--no-embedding", "--tiers", "one,two", "--out", "p"])
    before = (here / "p" / "card.json").read_bytes()
    assert main(["eval", "confidence", suite, "--policy", "p", "--tier", "one", "--out", "out"]) == 1
    assert "left as it is" in capsys.readouterr().err
    assert (here / "p" / "card.json").read_bytes() == before


def test_an_eval_run_leaves_outcomes_that_tune_reads(here: Path, capsys: Capture) -> None:
    fake = "stepwell.testing:FakeTier"
    tiers = {
        "small": tier("small", 1.0, kind=fake, options={"reply": "no"}),
        "large": tier("large", 9.0, kind=fake, options={"reply": "yes"}),
    }
    (here / "stepwell.yaml").write_text(yaml.safe_dump({"tiers": tiers, "cache": {"semantic": "off"}}))
    suite = [{"id": i, "prompt": TOPICS[i % 2].format(i), "target": ("no", "yes")[i % 2]} for i in range(60)]
    write(here / "suite.jsonl", suite)
    assert main(["eval", "run", "suite.jsonl", "--tiers", "small,large,auto", "--out", "out"]) == 0
    rows = [json.loads(line) for line in (here / "out" / "outcomes.jsonl").read_text().splitlines()]
    assert rows[1]["scores"] == {"small": 0.0, "large": 1.0}
    assert rows[1]["answers"] == {"small": "no", "large": "yes"}
    assert rows[1]["cost_usd"]["large"] == pytest.approx(9 * rows[1]["cost_usd"]["small"])
    # what another suite left in this journal is no outcome of this one
    write(here / "suite.jsonl", suite[:40])
    assert main(["eval", "run", "suite.jsonl", "--tiers", "small,large", "--out", "out"]) == 0
    capsys.readouterr()
    main(["tune", "out/outcomes.jsonl", "--no-embedding", "--json"])
    captured = capsys.readouterr()
    assert "40 rows of small, large" in captured.err  # by recorded cost
    assert json.loads(captured.out)["origin"]["usd_per_1m"] == [[1.0, 1.0], [9.0, 9.0]]
