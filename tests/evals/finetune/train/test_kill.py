"""A training that is killed, again and again, ends with the weights of one that is not."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.train.run import train
from stepwell.evals.finetune.train.trained import CARD, CHECKPOINT, LOSSES, PEFT_WEIGHTS, Trained
from tests.evals.finetune.train.small import RECIPE, made

KILLS = ((2, 5), (6, 10))  # somewhere among these steps


def _killed(dataset: Path, out: Path, base: Path, at_step: int, after_s: float) -> None:
    child = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.evals.finetune.train.killed_training",
            str(dataset),
            str(out),
            str(base),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    with child:
        for line in child.stdout:
            if int(line) >= at_step:
                time.sleep(after_s)
                child.send_signal(signal.SIGKILL)
                break
    assert child.returncode == -signal.SIGKILL


def test_a_killed_training_ends_with_the_same_weights(base: Path, tmp_path: Path) -> None:
    whole = train(made(), tmp_path / "whole", RECIPE, base_path=base, n_threads=1)
    made().save(tmp_path / "dataset")
    drawn = random.Random(8)
    for first, last in KILLS:
        # in the middle of a step, of a checkpoint, of a line
        _killed(
            tmp_path / "dataset", tmp_path / "out", base, drawn.randint(first, last), drawn.uniform(0, 0.02)
        )
        assert (tmp_path / "out" / CHECKPOINT).exists()
        with pytest.raises(FinetuneError, match="run it again"):
            Trained.load(tmp_path / "out")
    ended = train(made(), tmp_path / "out", RECIPE, base_path=base, n_threads=1)

    assert ended.card.weights_sha256 == whole.card.weights_sha256
    assert (ended.folder / PEFT_WEIGHTS).read_bytes() == (whole.folder / PEFT_WEIGHTS).read_bytes()
    assert (ended.folder / LOSSES).read_bytes() == (whole.folder / LOSSES).read_bytes()
    steps = [json.loads(line)["step"] for line in (ended.folder / LOSSES).read_text().splitlines()]
    assert steps == list(range(1, RECIPE.n_steps + 1 if RECIPE.n_steps else 0))
    assert ended.card.loss == whole.card.loss
    assert (ended.card.n_runs, whole.card.n_runs) == (3, 1)
    assert not (ended.folder / CHECKPOINT).exists()
    assert Trained.load(tmp_path / "out").card == ended.card
    assert not list(tmp_path.glob(f"*/.{CARD}*"))
