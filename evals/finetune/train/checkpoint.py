"""Where a training stands, on the disk: whole or not at all, and only taken up by the training that wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.data.whole import whole_file, write_whole
from stepwell.evals.finetune.train.loop import Learning
from stepwell.evals.finetune.train.trained import CHECKPOINT, LOSSES

if TYPE_CHECKING:
    import torch


class Identity(msgspec.Struct, frozen=True):
    """What must be the same for a training to be taken up again."""

    recipe_sha256: str
    dataset_sha256: str
    base_sha256: str

    def differing(self, other: Identity) -> list[str]:
        """In plain words, what is not the same."""
        words = {"recipe_sha256": "recipe", "dataset_sha256": "dataset", "base_sha256": "base model"}
        return [word for field, word in words.items() if getattr(self, field) != getattr(other, field)]


class Standing(msgspec.Struct, frozen=True):
    """How far a training came.

    Attributes:
        n_steps: Made so far; as many `losses`.
        took_s: All runs together.
        n_runs: The one under way with them.
        n_mean: Steps in the averaged weights.
    """

    identity: Identity
    n_steps: int
    took_s: float
    n_runs: int
    n_mean: int
    losses: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Standing and weights, as they were read."""

    standing: Standing
    tensors: Mapping[str, torch.Tensor]

    def put(self, learning: Learning) -> None:
        """Give a fresh start what this one had.

        Raises:
            FinetuneError: It is of another adapter.
        """
        import torch

        try:
            with torch.no_grad():
                for kind, into in _state(learning).items():
                    for name, tensor in into.items():
                        tensor.copy_(self.tensors[f"{kind}:{name}"])
        except (KeyError, RuntimeError):
            raise FinetuneError(
                "the checkpoint does not fit the adapter; start anew with --restart"
            ) from None
        learning.n_mean = self.standing.n_mean
        if learning.n_mean:
            learning.mean = [self.tensors[f"mean:{name}"].clone() for name in learning.names]
        learning.put(learning.exact)


def write_checkpoint(folder: Path, standing: Standing, learning: Learning) -> None:
    """Put it in the place of the one before.

    Raises:
        FinetuneError: It can't be written; the one before stays.
    """
    from safetensors.torch import save

    kinds = dict(_state(learning))
    if learning.mean:
        kinds["mean"] = dict(zip(learning.names, learning.mean, strict=True))
    flat = {f"{kind}:{name}": t.detach() for kind, of in kinds.items() for name, t in of.items()}
    header = {"standing": msgspec.json.encode(standing).decode()}
    write_whole(folder / CHECKPOINT, save({n: t.cpu().contiguous() for n, t in flat.items()}, header))


def read_standing(folder: Path) -> Standing | None:
    """How far the training of a folder came, None where there is no checkpoint. Reads its header alone.

    Raises:
        FinetuneError: It can't be read.
    """
    path = folder / CHECKPOINT
    try:
        with path.open("rb") as file:
            n = int.from_bytes(file.read(8), "little")
            header = msgspec.json.decode(file.read(n) if n < 2**30 else b"")
            return msgspec.json.decode(header["__metadata__"]["standing"], type=Standing)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, KeyError, TypeError) as e:
        raise FinetuneError(
            f"{path}: can't be read ({type(e).__name__}); start anew with --restart"
        ) from None


def read_checkpoint(folder: Path, identity: Identity) -> Checkpoint | None:
    """What a training goes on from, None where there is nothing.

    Raises:
        FinetuneError: It can't be read, or another training wrote it.
    """
    standing = read_standing(folder)
    if standing is None:
        return None
    refuse_other(folder, standing.identity, identity)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return Checkpoint(standing, load_file(folder / CHECKPOINT))
    except (OSError, SafetensorError) as e:
        path = folder / CHECKPOINT
        raise FinetuneError(
            f"{path}: can't be read ({type(e).__name__}); start anew with --restart"
        ) from None


def refuse_other(folder: Path, there: Identity, asked: Identity) -> None:
    """Raises:
    FinetuneError: What lies in the folder is of another recipe, dataset or base; says which.
    """
    differing = there.differing(asked)
    if differing:
        raise FinetuneError(
            f"{folder} holds a training with another {' and '.join(differing)}; name another --out, "
            "or start anew with --restart"
        )


def write_losses(folder: Path, losses: Sequence[float]) -> None:
    """Write losses.jsonl anew, a line a step.

    Raises:
        FinetuneError: It can't be written.
    """
    with whole_file(folder / LOSSES) as out:
        for n, loss in enumerate(losses, start=1):
            out.write(loss_line(n, loss))


def loss_line(step: int, loss: float) -> bytes:
    """A step's line; steps are counted from 1."""
    return msgspec.json.encode({"step": step, "loss": round(loss, 6)}) + b"\n"


def _state(learning: Learning) -> dict[str, dict[str, torch.Tensor]]:
    kinds = {"weight": dict(zip(learning.names, learning.exact, strict=True))}
    for key in ("step", "exp_avg", "exp_avg_sq"):
        states = [learning.adam.state[p] for p in learning.exact]
        kinds[key] = {n: s[key] for n, s in zip(learning.names, states, strict=True)}
    return kinds
