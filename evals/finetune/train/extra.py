"""What the trainer is built on, and what to say where it is not installed."""

from __future__ import annotations

import importlib.util
import os

from stepwell.evals.finetune.data.example import FinetuneError

NEEDED = ("torch", "transformers", "peft", "gguf", "safetensors")


def need_extra() -> None:
    """Raises:
    FinetuneError: The extra `finetune` is not installed, or not whole.
    """
    lacking = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if lacking:
        raise FinetuneError(
            f"training needs {', '.join(lacking)}, not installed here: pip install 'stepwell[finetune]'"
        )


def stay_offline() -> None:
    """Before torch and transformers are imported: no network, no telemetry, no bars or hints on the terminal."""
    for name in (
        "HF_HUB_OFFLINE",
        "HF_HUB_DISABLE_TELEMETRY",
        "DO_NOT_TRACK",
        "HF_HUB_DISABLE_PROGRESS_BARS",
    ):
        os.environ[name] = "1"
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # threads that wait must not spin: beside other work, that made a step on two cores take four times as long
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
