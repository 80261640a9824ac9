"""What training is told; the same recipe, data, base and seed give the same adapter."""

from __future__ import annotations

import msgspec

_MOST = 1e15  # no step count or seed needs more, and all of them fit where they are written


class Recipe(msgspec.Struct, frozen=True):
    """LoRA on the upper layers of a small model (Hu et al., 2021).

    Attributes:
        base: A known model's name, or the path of a GGUF.
        rank, alpha: Of the adapter; updates are scaled by alpha / rank.
        dropout: Share of a projection's inputs that the adapter does not see at a step.
        first_layer: Lowest layer that is adapted: backpropagation stops there, which saves time.
        n_passes: Over the examples; None: one, or `min_steps` steps where that is more.
        n_steps: In place of both.
        batch_size: Examples a step.
        learning_rate: Peak; `n_warmup_steps` to it, then linear to `last_rate` of it.
        averaged: Share of the steps, at the end, whose weights are averaged; 0: the last ones are taken.
        max_grad_norm: Gradients are clipped to it.
        max_tokens: Of an example; longer ones are left out, and counted.
        dtype: "auto": bfloat16 where the processor or the GPU multiplies it natively, else float32.
    """

    base: str = "smollm2-135m-instruct"
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.1
    first_layer: int = 0
    n_passes: float | None = None
    min_steps: int = 120
    n_steps: int | None = None
    batch_size: int = 8
    learning_rate: float = 5e-4
    n_warmup_steps: int = 10
    last_rate: float = 0.05
    averaged: float = 0.2
    max_grad_norm: float = 1.0
    max_tokens: int = 1024
    seed: int = 0
    dtype: str = "auto"

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, int | float) and not abs(value) < _MOST:
                raise ValueError(f"{name} is {value}; want a finite number, less than {_MOST:.0e}")
        for name in (
            "rank",
            "alpha",
            "batch_size",
            "max_tokens",
            "learning_rate",
            "n_passes",
            "max_grad_norm",
        ):
            if getattr(self, name) is not None and not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; want more than 0")
        for name in ("dropout", "averaged", "last_rate"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; want 0 or more, less than 1")
        for name in ("min_steps", "n_steps"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; want 1 or more")

    @property
    def sha256(self) -> str:
        # the command line reads the defaults here and must not wait for more
        from stepwell.evals.suite import canonical_json, sha256_of

        return sha256_of(canonical_json(msgspec.structs.asdict(self)))

    def steps_for(self, n_examples: int) -> int:
        """How many steps are made over so many examples; at least one."""
        if self.n_steps is not None:
            return self.n_steps
        passes = 1.0 if self.n_passes is None else self.n_passes
        least = self.min_steps if self.n_passes is None else 1
        return max(least, round(passes * n_examples / self.batch_size))

    def rate_at(self, step: int, n_steps: int) -> float:
        """The learning rate of a step, counted from 0."""
        if step < self.n_warmup_steps:
            return self.learning_rate * (step + 1) / self.n_warmup_steps
        share = (step - self.n_warmup_steps) / max(1, n_steps - 1 - self.n_warmup_steps)
        return self.learning_rate * (1 - (1 - self.last_rate) * min(1.0, share))
