"""Send a report to Weights & Biases."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from types import ModuleType

from stepwell.evals.report import Report
from stepwell.evals.sinks.figures import SinkError, files_of, metrics_of, params_of, words_of

PROJECT = "stepwell"


def send(
    report: Report,
    folder: str | Path,
    *,
    project: str = PROJECT,
    with_samples: bool = False,
    logs: str | Path | None = None,
) -> str:
    """Log a report as one finished W&B run; gives the run's id. Blocks. WANDB_MODE=offline keeps it on this machine.

    Args:
        folder: The run's, for the files that go along.
        with_samples: Send the page with prompts and answers, too.
        logs: Where W&B keeps its own files; default: `wandb` in the run's folder.

    Raises:
        SinkError: W&B is not installed, or refuses.
        JournalError: The run's folder can't be read.
    """
    wandb = _loaded()
    place = Path(logs or folder)
    with files_of(report, folder, with_samples=with_samples) as files:
        try:
            return _sent(wandb, report, files, project, place if place.is_dir() else place.parent)
        except wandb.Error as e:
            raise SinkError(f"W&B refused: {type(e).__name__}") from e


def _loaded() -> ModuleType:
    # read as the library loads
    os.environ["WANDB_ERROR_REPORTING"] = "false"
    os.environ["WANDB_SILENT"] = "true"
    try:
        return importlib.import_module("wandb")
    except ImportError as e:
        raise SinkError("Weights & Biases is not installed: pip install wandb") from e


def _sent(wandb: ModuleType, report: Report, files: Path, project: str, place: Path) -> str:
    quiet = wandb.Settings(
        console="off",
        disable_code=True,
        disable_git=True,
        save_code=False,
        x_disable_machine_info=True,
        x_disable_meta=True,
        x_disable_stats=True,
    )
    run = wandb.init(
        project=project,
        name=report.suite or None,
        config=params_of(report),
        dir=str(place),
        settings=quiet,
        reinit="create_new",
    )
    try:
        run.summary.update({**metrics_of(report), **{f"verdict/{k}": v for k, v in words_of(report).items()}})
        artifact = wandb.Artifact(f"report-{run.id}", type="report")
        artifact.add_dir(str(files))
        run.log_artifact(artifact)
    finally:
        run.finish()
    return str(run.id)
