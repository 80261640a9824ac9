"""A training's folder: the adapter as PEFT keeps it, the recipe, losses, and checkpoints while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from stepwell.base.errors import ConfigError
from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.train.recipe import Recipe
from stepwell.router.tiers.bundle import file_sha256

CARD, LOSSES, CHECKPOINT = "training.json", "losses.jsonl", "checkpoint"
PEFT_CONFIG, PEFT_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


class TrainingCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """Written once training is through.

    Attributes:
        base_sha256: Of the base's GGUF.
        dataset_sha256: Content of the dataset.
        weights_sha256: Of the PEFT file.
        system, schema_json: As of the dataset's card.
        n_examples: Learnt from; `n_too_long` were over the recipe's max_tokens, `n_with_tools` have calls of tools.
        n_answer_tokens: Of the longest answer.
        n_steps: Made.
        loss: Mean over the last tenth of the steps, nats a token.
        took_s: Of training, all runs together; `n_runs` is more than 1 where it was resumed.
        dtype, device, versions: What it ran on.
    """

    recipe: Recipe
    base_sha256: str
    dataset_sha256: str
    weights_sha256: str
    n_examples: int
    n_steps: int
    loss: float
    took_s: float
    n_answer_tokens: int = 0
    n_too_long: int = 0
    n_with_tools: int = 0
    system: str | None = None
    schema_json: str | None = None
    n_parameters: int = 0
    n_runs: int = 1
    peak_rss_mb: float = 0.0
    dtype: str = ""
    device: str = ""
    versions: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Trained:
    """A folder whose training is through."""

    folder: Path
    card: TrainingCard

    @classmethod
    def load(cls, folder: Path) -> Trained:
        """Raises:
        FinetuneError: Training is not through, or the folder is none of a training.
        """
        path = folder / CARD
        try:
            return cls(folder, msgspec.json.decode(path.read_bytes(), type=TrainingCard))
        except OSError as e:
            hint = "; training broke off: run it again, it resumes" if (folder / CHECKPOINT).exists() else ""
            raise FinetuneError(f"{folder}: no trained adapter there ({CARD}: {e.strerror}){hint}") from e
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise FinetuneError(f"{path}: not the card of a training") from None

    def check_weights(self) -> None:
        """Read the whole adapter.

        Raises:
            FinetuneError: It is gone, or not the one that was trained here.
        """
        path = self.folder / PEFT_WEIGHTS
        hint = "start anew with stepwell local train --restart"
        try:
            found = file_sha256(path)
        except ConfigError as e:
            raise FinetuneError(f"{e}: the trained adapter can't be read; {hint}") from None
        if found != self.card.weights_sha256:
            raise FinetuneError(f"{path}: its sha256 is not the one that {CARD} names; {hint}")
