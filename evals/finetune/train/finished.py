"""A training that is through: the adapter as PEFT keeps it, and the card, last."""

from __future__ import annotations

import hashlib
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from stepwell.evals.finetune.data.dataset import Dataset, read_card
from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.data.found import ERASING
from stepwell.evals.finetune.data.tainted import mark
from stepwell.evals.finetune.data.whole import drop_unfinished, write_whole
from stepwell.evals.finetune.train.chat import Rows
from stepwell.evals.finetune.train.checkpoint import Standing
from stepwell.evals.finetune.train.extra import NEEDED
from stepwell.evals.finetune.train.loop import Learning
from stepwell.evals.finetune.train.trained import (
    CARD,
    CHECKPOINT,
    LOSSES,
    PEFT_CONFIG,
    PEFT_WEIGHTS,
    Trained,
    TrainingCard,
)
from stepwell.router.tiers.bundle import TAINTED

_LAST_SHARE = 0.1  # of the steps, whose mean loss the card quotes


def finish(out: Path, learning: Learning, standing: Standing, rows: Rows, dataset: Dataset) -> Trained:
    """Write adapter and card, then drop the checkpoint.

    Raises:
        FinetuneError: They can't be written; no part of the adapter is left, and the checkpoint stays.
    """
    weights = _peft_weights(learning)
    card = _card(learning, standing, rows, dataset, hashlib.sha256(weights).hexdigest())
    try:
        write_whole(out / PEFT_WEIGHTS, weights)
        write_whole(out / PEFT_CONFIG, _peft_config(learning.base.model))
        write_whole(out / CARD, msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")
        _mark_where_erased(out, dataset)
    except FinetuneError:
        for name in (CARD, PEFT_CONFIG, PEFT_WEIGHTS):
            (out / name).unlink(missing_ok=True)
        raise
    (out / CHECKPOINT).unlink(missing_ok=True)
    drop_unfinished(out / CHECKPOINT)
    return Trained(out, card)


def forget(out: Path) -> None:
    """Drop what an earlier training left, its card first.

    Raises:
        FinetuneError: It can't be dropped.
    """
    try:
        for name in (CARD, PEFT_CONFIG, PEFT_WEIGHTS, CHECKPOINT, LOSSES, TAINTED):
            (out / name).unlink(missing_ok=True)
            drop_unfinished(out / name)
    except OSError as e:
        raise FinetuneError(f"{out} can't be written: {e.strerror or type(e).__name__}") from e


def _mark_where_erased(out: Path, dataset: Dataset) -> None:
    """Mark it where somebody's examples went while it was learning; who erases from now on finds its card."""
    if dataset.folder is None:
        return
    try:
        now = read_card(dataset.folder)
    except FinetuneError:  # the dataset is gone: nothing tells
        return
    learnt = dataset.card
    if learnt.sha256 in now.earlier or (dataset.folder / ERASING).exists():
        mark(out, learnt.sha256, now.n_erased - learnt.n_erased)


def _card(
    learning: Learning, standing: Standing, rows: Rows, dataset: Dataset, weights_sha256: str
) -> TrainingCard:
    last = standing.losses[-max(1, round(_LAST_SHARE * len(standing.losses))) :]
    return TrainingCard(
        recipe=learning.recipe,
        base_sha256=standing.identity.base_sha256,
        dataset_sha256=standing.identity.dataset_sha256,
        weights_sha256=weights_sha256,
        n_examples=len(rows.rows),
        n_steps=standing.n_steps,
        loss=round(sum(last) / len(last), 6),
        took_s=round(standing.took_s, 1),
        n_answer_tokens=rows.n_answer_tokens,
        n_too_long=rows.n_too_long,
        n_with_tools=rows.n_with_tools,
        system=dataset.card.system,
        schema_json=dataset.card.schema_json,
        n_parameters=sum(p.numel() for p in learning.exact),
        n_runs=standing.n_runs,
        peak_rss_mb=peak_rss_mb(),
        dtype=str(learning.base.dtype).removeprefix("torch."),
        device=learning.base.device,
        versions={name: version(name) for name in NEEDED},
    )


def peak_rss_mb() -> float:
    """Most memory that this process held so far; 0 where the platform does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)  # bytes there, KiB elsewhere


def _peft_weights(learning: Learning) -> bytes:
    from safetensors.torch import save

    # PEFT's files leave out the name of the adapter, "default"
    named = {name.replace(".default.", "."): t.detach() for name, t in learning.result().items()}
    return save({name: t.cpu().contiguous() for name, t in named.items()}, {"format": "pt"})


def _peft_config(model: Any) -> bytes:
    found = model.peft_config["default"].to_dict() | {"inference_mode": True}
    plain = {key: sorted(value) if isinstance(value, set) else value for key, value in found.items()}
    return msgspec.json.format(msgspec.json.encode(plain, enc_hook=str), indent=2) + b"\n"
