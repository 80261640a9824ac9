"""One step of training after the other; a step's batch is a function of the seed and the step alone."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.train.chat import Row
from stepwell.evals.finetune.train.load import Base
from stepwell.evals.finetune.train.recipe import Recipe

if TYPE_CHECKING:
    import torch

SHORT_TOKENS = 256  # up to here plain attention trains a third faster on a processor than torch's fused one
_ODD = 1_000_003  # keeps the seeds of neighbouring steps apart
_N_SEEDS = 2**63  # as many as torch takes


def batch_of(step: int, n_rows: int, recipe: Recipe) -> list[int]:
    """Which rows a step reads, step counted from 0: pass after pass, each in an order of its own."""
    found = []
    for at in range(step * recipe.batch_size, (step + 1) * recipe.batch_size):
        n_pass, place = divmod(at, n_rows)
        found.append(_order(n_rows, recipe.seed, n_pass)[place])
    return found


def _order(n_rows: int, seed: int, n_pass: int) -> list[int]:
    order = list(range(n_rows))
    random.Random(f"{seed}:{n_pass}").shuffle(order)
    return order


@dataclass(slots=True)
class Learning:
    """The adapter's weights while they are learnt: in float32 here, in the base's dtype in the model.

    Attributes:
        names: Of the adapter's matrices, in the order of `exact`.
        exact: Float32; what the optimiser moves.
        mean: Average over the last steps, where the recipe wants one; else empty.
        n_mean: How many steps are in it.
    """

    base: Base
    rows: Sequence[Row]
    recipe: Recipe
    n_steps: int
    names: list[str]
    exact: list[torch.Tensor]
    adam: Any
    mean: list[torch.Tensor]
    n_mean: int = 0

    @classmethod
    def start(cls, base: Base, rows: Sequence[Row], recipe: Recipe) -> Learning:
        import torch

        is_short = base.device == "cpu" and max(len(row.ids) for row in rows) <= SHORT_TOKENS
        base.model.base_model.model.set_attn_implementation("eager" if is_short else "sdpa")
        learnt = {n: p for n, p in base.model.named_parameters() if p.requires_grad}
        exact = [p.detach().float().clone() for p in learnt.values()]
        for p in exact:
            p.grad = torch.zeros_like(p)
        adam = torch.optim.AdamW(exact, lr=recipe.learning_rate, weight_decay=0.0)
        adam.step()  # makes its state, so that it can be read back; moves nothing, all gradients are 0
        for state in adam.state.values():
            state["step"].zero_()
        return cls(base, rows, recipe, recipe.steps_for(len(rows)), list(learnt), exact, adam, [])

    def step(self, n: int) -> float:
        """Make step `n`, counted from 0; its loss, nats an answer token.

        Raises:
            FinetuneError: The loss is no number any more.
        """
        import torch

        self.base.model.train()
        learnt = self._learnt()
        with torch.random.fork_rng(enabled=self.recipe.dropout > 0):
            if self.recipe.dropout > 0:
                torch.manual_seed((self.recipe.seed * _ODD + n) % _N_SEEDS)
            loss = self._loss([self.rows[i] for i in batch_of(n, len(self.rows), self.recipe)])
            value = float(loss.detach())
            if not math.isfinite(value):
                raise FinetuneError(
                    f"the loss is {value} at step {n + 1}: try a lower learning rate than "
                    f"{self.recipe.learning_rate:g}"
                )
            loss.backward()  # type: ignore[no-untyped-call]
        for to, source in zip(self.exact, learnt, strict=True):
            assert to.grad is not None
            assert source.grad is not None
            to.grad.copy_(source.grad)
            source.grad = None
        torch.nn.utils.clip_grad_norm_(self.exact, self.recipe.max_grad_norm)
        self.adam.param_groups[0]["lr"] = self.recipe.rate_at(n, self.n_steps)
        self.adam.step()
        self._average(n)
        self.put(self.exact)
        return value

    def put(self, weights: Sequence[torch.Tensor]) -> None:
        """Give the model these weights."""
        import torch

        with torch.no_grad():
            for to, source in zip(self._learnt(), weights, strict=True):
                to.copy_(source)

    def result(self) -> dict[str, torch.Tensor]:
        """What was learnt, by name, float32."""
        return dict(zip(self.names, self.mean or self.exact, strict=True))

    def _learnt(self) -> list[torch.Tensor]:
        return [p for p in self.base.model.parameters() if p.requires_grad]

    def _average(self, n: int) -> None:
        if n < self.n_steps * (1 - self.recipe.averaged) or not self.recipe.averaged:
            return
        self.n_mean += 1
        if not self.mean:
            self.mean = [p.clone() for p in self.exact]
            return
        for mean, p in zip(self.mean, self.exact, strict=True):
            mean.lerp_(p, 1 / self.n_mean)

    def _loss(self, rows: Sequence[Row]) -> torch.Tensor:
        import torch

        width = max(len(row.ids) for row in rows)
        ids = torch.zeros((len(rows), width), dtype=torch.long)
        # a position predicts the next one: those before an answer's tokens are the only ones that are scored
        scored = torch.zeros((len(rows), width), dtype=torch.bool)
        for n, row in enumerate(rows):
            ids[n, : len(row.ids)] = torch.tensor(row.ids)
            scored[n, row.n_prompt - 1 : len(row.ids) - 1] = True
        goal = torch.roll(ids, -1, dims=1)[scored].to(self.base.device)
        model = self.base.model.base_model.model
        # padding stands right of all that counts, where causal attention never looks: no mask is needed
        hidden = model.model(ids.to(self.base.device), use_cache=False).last_hidden_state
        logits = model.lm_head(hidden[scored.to(self.base.device)])
        return torch.nn.functional.cross_entropy(logits.float(), goal)
