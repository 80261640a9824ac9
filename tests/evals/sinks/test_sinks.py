"""Sinks: what is sent, that no text is, and what is said where a tracker is not installed."""

import asyncio
import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from stepwell.evals.folder import RunFolder
from stepwell.evals.report import Report, from_folder
from stepwell.evals.run import run_suite
from stepwell.evals.sinks import mlflow, wandb
from stepwell.evals.sinks.figures import SinkError, files_of, metrics_of, params_of, plain_name, words_of
from stepwell.evals.suite import Suite

HAS_MLFLOW = importlib.util.find_spec("mlflow") is not None
HAS_WANDB = importlib.util.find_spec("wandb") is not None
SECRET = "the answer is a secret"


@pytest.fixture
def made(tmp_path: Path, make_well: Any, sums: Suite) -> tuple[Report, Path]:
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    asyncio.run(run_suite(make_well(), sums, tiers=["weak", "strong"], journal_path=folder.journal))
    folder.keep_suite(sums)
    folder.page.write_text(f"<html>{SECRET}</html>")
    folder.markdown.write_text(SECRET)
    return from_folder(folder), folder.path


def test_figures_are_those_of_the_report(made: tuple[Report, Path]) -> None:
    report, _ = made
    metrics = metrics_of(report)
    weak, strong = report.tiers
    assert metrics["weak/quality"] == weak.quality
    assert metrics["strong/cost_usd"] == strong.cost_usd
    assert metrics["cost_usd"] == report.cost_usd
    assert metrics["strong/quality_low"] <= metrics["strong/quality"] <= metrics["strong/quality_high"]
    assert metrics["weak against strong/difference"] == report.pairs[0].difference
    assert params_of(report)["suite_sha256"] == report.suite_sha256
    assert params_of(report)["arms"] == "weak, strong"
    assert words_of(report) == {"weak against strong": report.pairs[0].word}


def test_names_are_such_as_trackers_take() -> None:
    assert plain_name("cheap@2/prompt (b)") == "cheap_2/prompt _b_"


def test_no_prompt_or_answer_is_sent_unless_asked(made: tuple[Report, Path]) -> None:
    report, folder = made
    with files_of(report, folder, with_samples=False) as files:
        sent = {path.name: path.read_text() for path in files.iterdir()}
    assert sent.keys() == {"report.md", "report.json"}
    assert not any(SECRET in text or "####" in text or "3 + 4" in text for text in sent.values())
    assert not files.exists()
    with files_of(report, folder, with_samples=True) as files:
        assert SECRET in (files / "report.html").read_text()


def test_a_page_that_is_not_there_is_named(made: tuple[Report, Path]) -> None:
    report, folder = made
    (folder / "report.html").unlink()
    with pytest.raises(SinkError, match="eval report"), files_of(report, folder, with_samples=True):
        pass


@pytest.mark.parametrize(("sink", "name"), [(mlflow, "mlflow"), (wandb, "wandb")])
def test_where_a_tracker_is_not_installed_the_way_to_it_is_said(
    made: tuple[Report, Path], monkeypatch: pytest.MonkeyPatch, sink: Any, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # as Python marks what can't be imported
    with pytest.raises(SinkError, match=f"pip install {name}"):
        sink.send(*made)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of its own libraries
@pytest.mark.skipif(not HAS_MLFLOW, reason="MLflow is not installed")
def test_mlflow_keeps_a_run(
    made: tuple[Report, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = importlib.import_module("mlflow").MlflowClient
    monkeypatch.chdir(tmp_path)
    report, folder = made
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    run = client(uri).get_run(mlflow.send(report, folder, uri=uri))
    assert run.info.status == "FINISHED"
    assert run.data.params["suite_sha256"] == report.suite_sha256
    assert run.data.metrics["strong/quality"] == report.tiers[1].quality
    assert run.data.tags["verdict.weak against strong"] == report.pairs[0].word
    names = {f.path for f in client(uri).list_artifacts(run.info.run_id)}
    assert names == {"report.md", "report.json"}
    mlflow.send(report, folder, uri=uri)
    assert len(client(uri).search_runs([run.info.experiment_id])) == 2


@pytest.mark.skipif(not HAS_MLFLOW, reason="MLflow is not installed")
def test_mlflow_that_cannot_be_used_is_an_error(made: tuple[Report, Path]) -> None:
    with pytest.raises(SinkError, match="MLflow"):
        mlflow.send(*made, uri="nonsense://store")


@pytest.mark.skipif(not HAS_WANDB, reason="W&B is not installed")
def test_wandb_keeps_a_run_offline(
    made: tuple[Report, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    report, folder = made
    run_id = wandb.send(report, folder, logs=tmp_path)
    kept = [p for p in tmp_path.glob("wandb/offline-run-*/*.wandb") if run_id in p.name]
    assert len(kept) == 1
    data = kept[0].read_bytes()
    assert report.suite_sha256.encode() in data
    assert b"strong/quality" in data
    assert SECRET.encode() not in data
    assert json.dumps(report.suite).encode() in data
