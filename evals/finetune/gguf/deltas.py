"""A LoRA adapter in llama.cpp's names and order of rows, checked against its base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.gguf.base import BaseShape
from stepwell.evals.finetune.gguf.peft import Pair, PeftAdapter
from stepwell.evals.finetune.gguf.rows import to_llama

if TYPE_CHECKING:
    from stepwell.evals.finetune.gguf.arrays import Floats

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "q_proj": "attn_q",
        "k_proj": "attn_k",
        "v_proj": "attn_v",
        "o_proj": "attn_output",
        "gate_proj": "ffn_gate",
        "up_proj": "ffn_up",
        "down_proj": "ffn_down",
    }
)


@dataclass(frozen=True, slots=True)
class Deltas:
    """What an adapter adds to each matrix of the base, by the base's names.

    Attributes:
        pairs: Name of the base's tensor -> A, and B with rows in llama.cpp's order.
    """

    alpha: float
    rank: int
    pairs: Mapping[str, Pair]

    def added_to(self, name: str) -> Floats | None:
        """The whole of what is added, shape (outputs, inputs); None where nothing is."""
        pair = self.pairs.get(name)
        return None if pair is None else (self.alpha / self.rank) * (pair.b @ pair.a)


def deltas_for(base: BaseShape, adapter: PeftAdapter) -> Deltas:
    """Raises:
    FinetuneError: A layer, a projection or a shape that the base does not have.
    """
    pairs: dict[str, Pair] = {}
    for (layer, projection), pair in adapter.pairs.items():
        name = _name(base, layer, projection)
        goal = base.matrices[name]
        if (pair.b.shape[0], pair.a.shape[1]) != goal:
            raise FinetuneError(
                f"layer {layer}, {projection}: the adapter is for {pair.b.shape[0]} x {pair.a.shape[1]}, "
                f"the base has {goal[0]} x {goal[1]}: it was trained on another base"
            )
        pairs[name] = Pair(pair.a, _rows(base, projection, pair.b))
    return Deltas(adapter.alpha, adapter.rank, pairs)


def _name(base: BaseShape, layer: int, projection: str) -> str:
    if layer >= base.n_layers:
        raise FinetuneError(
            f"the adapter has a layer {layer}, the base has {base.n_layers}: it was trained on another base"
        )
    name = f"blk.{layer}.{_NAMES.get(projection, '')}.weight"
    if name not in base.matrices:
        known = ", ".join(_NAMES)
        raise FinetuneError(f"layer {layer}: the base has no {projection}; adapters may be on: {known}")
    return name


def _rows(base: BaseShape, projection: str, b: Floats) -> Floats:
    heads = {"q_proj": base.n_heads, "k_proj": base.n_kv_heads}.get(projection)
    return b if heads is None else to_llama(b, heads)
