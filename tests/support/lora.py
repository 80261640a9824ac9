"""Adapters and bases made of random numbers: PEFT's two files, and a GGUF of the same shape."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

# tiny: width 32, 4 query heads and 2 key/value heads of 8, feed-forward 64
TINY = MappingProxyType(
    {
        "q_proj": (32, 32),
        "k_proj": (16, 32),
        "v_proj": (16, 32),
        "o_proj": (32, 32),
        "gate_proj": (64, 32),
        "up_proj": (64, 32),
        "down_proj": (32, 64),
    }
)
SMOLLM2 = MappingProxyType(
    {
        "q_proj": (576, 576),
        "k_proj": (192, 576),
        "v_proj": (192, 576),
        "o_proj": (576, 576),
        "gate_proj": (1536, 576),
        "up_proj": (1536, 576),
        "down_proj": (576, 1536),
    }
)
NAMES = MappingProxyType(
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
Shapes = Mapping[str, tuple[int, int]]


def write_lora(
    folder: Path,
    shapes: Shapes = TINY,
    *,
    layers: Sequence[int] = (1,),
    rank: int = 4,
    alpha: float = 8,
    seed: int = 0,
    strength: Mapping[str, float] = MappingProxyType({}),
    **config: object,
) -> Path:
    """Write adapter_config.json and adapter_model.safetensors.

    Args:
        shapes: Projection -> (outputs, inputs).
        strength: Projection -> size of B's numbers; 0.05 where it is not named.
        config: Further keys of the configuration, or other values for them.
    """
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(seed)
    tensors = {}
    for layer in layers:
        for name, (n_out, n_in) in shapes.items():
            part = "self_attn" if name[0] in "qkvo" else "mlp"
            stem = f"base_model.model.model.layers.{layer}.{part}.{name}"
            a, b = draw.standard_normal((rank, n_in)) / n_in**0.5, draw.standard_normal((n_out, rank))
            tensors[f"{stem}.lora_A.weight"] = a.astype(np.float32)
            tensors[f"{stem}.lora_B.weight"] = (b * strength.get(name, 0.05)).astype(np.float32)
    save_file(tensors, folder / "adapter_model.safetensors")
    about = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": alpha,
        "target_modules": list(shapes),
        "layers_to_transform": list(layers),
        **config,
    }
    (folder / "adapter_config.json").write_text(json.dumps(about))
    return folder


def write_training(folder: Path, base: Path, **card: object) -> Path:
    """The card of a training that is through, beside an adapter that is there.

    Args:
        card: Further fields of it.
    """
    import msgspec

    from stepwell.evals.finetune.train.recipe import Recipe
    from stepwell.evals.finetune.train.trained import TrainingCard
    from stepwell.router.tiers.bundle import file_sha256

    made = {
        "recipe": Recipe(base=str(base), seed=3),
        "base_sha256": file_sha256(base),
        "dataset_sha256": "d" * 64,
        "weights_sha256": file_sha256(folder / "adapter_model.safetensors"),
        "n_examples": 5,
        "n_steps": 2,
        "loss": 0.5,
        "took_s": 1.0,
    }
    about = msgspec.convert(msgspec.to_builtins({**made, **card}), TrainingCard)
    (folder / "training.json").write_bytes(msgspec.json.encode(about))
    return folder


def write_tiny_base(path: Path, *, n_layers: int = 2, architecture: str = "llama", seed: int = 7) -> Path:
    """A GGUF with the metadata and the weights of a tiny llama; nothing can run it."""
    from gguf import GGUFWriter

    writer = GGUFWriter(path, architecture)
    writer.add_name("tiny")
    writer.add_block_count(n_layers)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_string("tokenizer.chat_template", "{{ messages }}")
    writer.add_array("tokenizer.ggml.tokens", ["a", "b", "é"])
    writer.add_array("tokenizer.ggml.scores", [0.5, 1.5, 2.5])
    draw = np.random.default_rng(seed)
    for layer in range(n_layers):
        for name, (n_out, n_in) in TINY.items():
            weight = draw.standard_normal((n_out, n_in)).astype(np.float32)
            writer.add_tensor(f"blk.{layer}.{NAMES[name]}.weight", weight)
        writer.add_tensor(f"blk.{layer}.attn_norm.weight", draw.standard_normal(32).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
