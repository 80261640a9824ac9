"""A training to be killed: argv is the dataset, the folder and the base. Not a test; test_kill.py starts it."""

from __future__ import annotations

import sys
from pathlib import Path

from stepwell.evals.finetune.data.dataset import Dataset
from stepwell.evals.finetune.train.run import train
from tests.evals.finetune.train.small import RECIPE


def main(dataset: str, out: str, base: str) -> None:
    train(
        Dataset.load(Path(dataset)),
        Path(out),
        RECIPE,
        base_path=Path(base),
        on_step=lambda p: print(p.step, flush=True),
        checkpoint_every_s=0.0,
        n_threads=1,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
