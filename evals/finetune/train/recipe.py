"""What training is told; the same recipe, data, base and seed give the same adapter."""

from __future__ import annotations

import msgspec

from stepwell.evals.suite import canonical_json, sha256_of


class Recipe(msgspec.Struct, frozen=True):
    """LoRA on the upper layers of a small model (Hu et al., 2021).

    Attributes:
        base: A known model's name, or the path of a GGUF.
        rank, alpha: Of the adapter; updates are scaled by alpha / rank.
        first_layer: Lowest layer that is adapted: backpropagation stops there, which saves time.
        n_steps: None: `n_passes` over the examples.
        batch_size: Examples a step.
        learning_rate: Peak; `n_warmup_steps` to it, then linear to 5 % of it.
        max_grad_norm: Gradients are clipped to it.
        max_tokens: Of an example; longer ones are left out, and counted.
        dtype: "auto": bfloat16 where the processor or the GPU multiplies it natively, else float32.
    """

    base: str = "smollm2-135m-instruct"
    rank: int = 16
    alpha: int = 32
    first_layer: int = 8
    n_passes: float = 2.0
    n_steps: int | None = None
    batch_size: int = 8
    learning_rate: float = 1e-3
    n_warmup_steps: int = 10
    max_grad_norm: float = 1.0
    max_tokens: int = 1024
    seed: int = 0
    dtype: str = "auto"

    @property
    def sha256(self) -> str:
        return sha256_of(canonical_json(msgspec.structs.asdict(self)))
