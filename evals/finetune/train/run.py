"""Train an adapter: a dataset in, a folder out; killed at any point, it goes on where it was."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stepwell.base import flock
from stepwell.evals.finetune.data.dataset import Dataset
from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.train.chat import rows_of
from stepwell.evals.finetune.train.checkpoint import (
    Identity,
    Standing,
    loss_line,
    read_checkpoint,
    read_standing,
    refuse_other,
    write_checkpoint,
    write_losses,
)
from stepwell.evals.finetune.train.finished import finish, forget
from stepwell.evals.finetune.train.load import adapt, base_file, load_base
from stepwell.evals.finetune.train.loop import Learning
from stepwell.evals.finetune.train.recipe import Recipe
from stepwell.evals.finetune.train.trained import CARD, LOSSES, Trained
from stepwell.router.tiers.bundle import file_sha256

LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Progress:
    """After a step.

    Attributes:
        step: Made so far, of `n_steps`.
        loss: Of this step, nats an answer token.
        took_s: So far, earlier runs with it.
        left_s: At the pace of this run.
    """

    step: int
    n_steps: int
    loss: float
    took_s: float
    left_s: float


def train(
    dataset: Dataset,
    out: Path,
    recipe: Recipe,
    *,
    base_path: Path | None = None,
    on_step: Callable[[Progress], None] | None = None,
    checkpoint_every_s: float = 20.0,
    n_threads: int | None = None,
    is_restart: bool = False,
) -> Trained:
    """Learn the dataset's training part; a folder that is through is given back as it is. Blocks for minutes.

    Args:
        out: The training's folder; what a killed run left there is taken up.
        base_path: The base's GGUF; None: the one that the recipe names.
        checkpoint_every_s: Seconds between checkpoints: what a kill costs at most.
        n_threads: Of the processor; None: as many as torch takes.
        is_restart: Forget what the folder holds of an earlier training.

    Raises:
        FinetuneError: An extra or the base is missing, the dataset is broken or empty, the folder is another
            training's or its adapter is not the one trained there, another process trains there, the disk is full,
            or the loss is no number any more.
    """
    path = base_path or base_file(recipe.base)
    identity = Identity(recipe.sha256, dataset.card.sha256, file_sha256(path))
    if not is_restart:
        done = _done(out, identity)
        if done is not None:
            return done
        before = read_standing(out)
        if before is not None:
            refuse_other(out, before.identity, identity)
    base = load_base(path, dtype=recipe.dtype)
    rows = rows_of(dataset, base.tokenizer, max_tokens=recipe.max_tokens)
    with _locked(out), _threads(n_threads):
        if is_restart:
            forget(out)
        # another process may have trained there while the base was read
        elif (done := _done(out, identity)) is not None:
            return done
        learning = Learning.start(adapt(base, recipe), rows.rows, recipe)
        standing = _run(out, learning, identity, on_step, checkpoint_every_s)
        return finish(out, learning, standing, rows, dataset)


def _done(out: Path, identity: Identity) -> Trained | None:
    if not (out / CARD).exists():
        return None
    found = Trained.load(out)
    card = found.card
    refuse_other(out, Identity(card.recipe.sha256, card.dataset_sha256, card.base_sha256), identity)
    found.check_weights()
    return found


def _run(
    out: Path,
    learning: Learning,
    identity: Identity,
    on_step: Callable[[Progress], None] | None,
    checkpoint_every_s: float,
) -> Standing:
    before = read_checkpoint(out, identity)
    if before is not None:
        before.put(learning)
    losses = list(before.standing.losses) if before else []
    n_before, spent_s = len(losses), before.standing.took_s if before else 0.0
    n_runs = before.standing.n_runs + 1 if before else 1
    write_losses(out, losses)
    began = saved = time.monotonic()

    def standing() -> Standing:
        took_s = spent_s + time.monotonic() - began
        return Standing(identity, len(losses), took_s, n_runs, learning.n_mean, tuple(losses))

    with _appending(out / LOSSES) as write:
        while len(losses) < learning.n_steps:
            losses.append(learning.step(len(losses)))
            write(loss_line(len(losses), losses[-1]))
            if on_step is not None:
                on_step(_progress(learning, standing(), n_before, time.monotonic() - began))
            if time.monotonic() - saved >= checkpoint_every_s and len(losses) < learning.n_steps:
                write_checkpoint(out, standing(), learning)
                saved = time.monotonic()
    return standing()


def _progress(learning: Learning, standing: Standing, n_before: int, this_run_s: float) -> Progress:
    n, n_steps = standing.n_steps, learning.n_steps
    left_s = (n_steps - n) * this_run_s / max(1, n - n_before)
    return Progress(n, n_steps, standing.losses[-1], standing.took_s, left_s)


@contextlib.contextmanager
def _appending(path: Path) -> Iterator[Callable[[bytes], None]]:
    def write(line: bytes) -> None:
        try:
            file.write(line)
        except OSError as e:
            raise FinetuneError(f"{path} can't be written: {e.strerror or type(e).__name__}") from e

    try:
        file = path.open("ab", buffering=0)
    except OSError as e:
        raise FinetuneError(f"{path} can't be written: {e.strerror or type(e).__name__}") from e
    with file:
        yield write


@contextlib.contextmanager
def _locked(out: Path) -> Iterator[None]:
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(out / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as e:
        raise FinetuneError(f"{out} can't be written: {e.strerror or type(e).__name__}") from e
    try:
        if not flock.take(fd):
            raise FinetuneError(f"{out}: another training runs there")
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def _threads(n: int | None) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(n or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
