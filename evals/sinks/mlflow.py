"""Send a report to MLflow."""

from __future__ import annotations

import importlib
import os
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from stepwell.evals.report import Report
from stepwell.evals.sinks.figures import SinkError, files_of, metrics_of, params_of, words_of

EXPERIMENT = "stepwell"


def send(
    report: Report,
    folder: str | Path,
    *,
    uri: str | None = None,
    experiment: str = EXPERIMENT,
    with_samples: bool = False,
) -> str:
    """Log a report as one finished MLflow run; gives the run's id. Blocks.

    Args:
        folder: The run's, for the files that go along.
        uri: Of the tracking server or store; None: MLflow's own default (MLFLOW_TRACKING_URI).
        with_samples: Send the page with prompts and answers, too.

    Raises:
        SinkError: MLflow is not installed, or refuses.
        JournalError: The run's folder can't be read.
    """
    mlflow = _loaded()
    try:
        client = mlflow.MlflowClient(tracking_uri=uri)
        with files_of(report, folder, with_samples=with_samples) as files:
            return _sent(mlflow, client, report, files, experiment)
    except mlflow.exceptions.MlflowException as e:
        raise SinkError(f"MLflow refused: {e.error_code}") from e


def _loaded() -> ModuleType:
    # read as the library loads
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    try:
        importlib.import_module("mlflow.entities")
        return importlib.import_module("mlflow")
    except ImportError as e:
        raise SinkError("MLflow is not installed: pip install mlflow") from e


def _sent(mlflow: ModuleType, client: Any, report: Report, files: Path, experiment: str) -> str:
    known = client.get_experiment_by_name(experiment)
    experiment_id = client.create_experiment(experiment) if known is None else known.experiment_id
    run_id = str(client.create_run(experiment_id, run_name=report.suite or None).info.run_id)
    now_ms, made = int(time.time() * 1e3), mlflow.entities
    client.log_batch(
        run_id,
        metrics=[made.Metric(name, value, now_ms, 0) for name, value in metrics_of(report).items()],
        params=[made.Param(name, value) for name, value in params_of(report).items()],
        tags=[made.RunTag(f"verdict.{name}", word) for name, word in words_of(report).items()],
    )
    client.log_artifacts(run_id, str(files))
    client.set_terminated(run_id)
    return run_id
