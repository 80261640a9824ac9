"""A LoRA adapter as PEFT keeps it: its two files, read and checked."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import msgspec

from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.train.trained import PEFT_CONFIG, PEFT_WEIGHTS

if TYPE_CHECKING:
    from stepwell.evals.finetune.gguf.arrays import Floats

_NAME = re.compile(
    r"(?:base_model\.model\.)?model\.layers\.(\d+)\.(?:self_attn|mlp)\.([a-z]+_proj)\.lora_([AB])(?:\.default)?\.weight"
)
# ways to begin that leave the base's weights as they are; others subtract what they begin with
_PLAIN_BEGINNINGS = (True, False, "gaussian", "eva", "orthogonal")
# keys that say nothing of what the numbers mean, whatever their value; any other one that is set is refused
_TELLS_NOTHING = frozenset(
    {
        "auto_mapping",
        "base_model_name_or_path",
        "eva_config",
        "inference_mode",
        "layers_pattern",
        "lora_dropout",
        "megatron_core",
        "peft_version",
        "qalora_group_size",
        "revision",
        "task_type",
    }
)


class PeftConfig(msgspec.Struct, frozen=True):
    """The part of adapter_config.json that says what the numbers mean."""

    r: int
    lora_alpha: float
    peft_type: str = "LORA"
    use_rslora: bool = False
    use_dora: bool = False
    lora_bias: bool = False
    fan_in_fan_out: bool = False
    bias: str = "none"
    init_lora_weights: bool | str | None = True
    alpha_pattern: dict[str, float] | None = None
    rank_pattern: dict[str, int] | None = None
    modules_to_save: list[str] | None = None
    target_modules: list[str] | str | None = None
    layers_to_transform: list[int] | int | None = None
    exclude_modules: list[str] | str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """What is added to one projection: alpha / rank * B x A.

    Attributes:
        a: Shape (rank, inputs).
        b: Shape (outputs, rank), rows in transformers' order.
    """

    a: Floats
    b: Floats


@dataclass(frozen=True, slots=True)
class PeftAdapter:
    """All pairs, by (layer, projection), in that order.

    Attributes:
        alpha: As llama.cpp scales: alpha / rank.
    """

    rank: int
    alpha: float
    pairs: Mapping[tuple[int, str], Pair]


def read_peft(folder: Path) -> PeftAdapter:
    """Read adapter_config.json and adapter_model.safetensors.

    Raises:
        FinetuneError: A file can't be read, or holds what a GGUF adapter can't say.
    """
    config = _config(folder / PEFT_CONFIG)
    found = _matrices(folder / PEFT_WEIGHTS)
    pairs = {place: _pair(found, place, config.r, folder) for place in sorted({p[:2] for p in found})}
    if not pairs:
        raise FinetuneError(f"{folder / PEFT_WEIGHTS}: no LoRA weights in it")
    _refuse_gaps(config, set(pairs), folder)
    # rank-stabilised LoRA scales by alpha / sqrt(rank) (Kalajdzievski 2023)
    alpha = config.lora_alpha * (math.sqrt(config.r) if config.use_rslora else 1.0)
    return PeftAdapter(config.r, alpha, pairs)


def _config(path: Path) -> PeftConfig:
    try:
        raw = path.read_bytes()
        config = msgspec.json.decode(raw, type=PeftConfig)
        given = msgspec.json.decode(raw, type=dict[str, object])
    except OSError as e:
        raise FinetuneError(f"{path}: {e.strerror or type(e).__name__}; no PEFT adapter there") from e
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise FinetuneError(f"{path}: not the configuration of a LoRA adapter") from None
    unfit = _unfit(config) or _unknown(given)
    if unfit:
        raise FinetuneError(f"{path}: {unfit}: a GGUF adapter can't say that; train a plain LoRA")
    return config


def _unfit(c: PeftConfig) -> str | None:
    """What of the configuration a GGUF adapter has no place for."""
    claims = {
        f"peft_type is {c.peft_type!r}": c.peft_type != "LORA",
        "use_dora is on": c.use_dora,
        "lora_bias is on": c.lora_bias,
        "fan_in_fan_out is on": c.fan_in_fan_out,
        f"bias is {c.bias!r}": c.bias != "none",
        f"init_lora_weights is {c.init_lora_weights!r}": c.init_lora_weights
        not in (*_PLAIN_BEGINNINGS, None),
        "alpha_pattern is set": bool(c.alpha_pattern),
        "rank_pattern is set": bool(c.rank_pattern),
        "modules_to_save is set": bool(c.modules_to_save),
        f"r is {c.r}": c.r < 1,
        f"lora_alpha is {c.lora_alpha}": not (math.isfinite(c.lora_alpha) and c.lora_alpha > 0),
    }
    return next((claim for claim, holds in claims.items() if holds), None)


def _unknown(given: Mapping[str, object]) -> str | None:
    """A key that is set and may change what the numbers mean: PEFT learns new kinds of LoRA with each version."""
    known = _TELLS_NOTHING.union(PeftConfig.__struct_fields__)
    return next((f"{key} is set" for key in sorted(given.keys() - known) if given[key]), None)


def _refuse_gaps(c: PeftConfig, found: set[tuple[int, str]], folder: Path) -> None:
    """The weights are those that the configuration speaks of: a file from another training would load, and lie."""
    layers = {layer for layer, _ in found}
    if c.layers_to_transform is not None:
        given = c.layers_to_transform
        layers = {given} if isinstance(given, int) else set(given or layers)
    projections = {projection for _, projection in found}
    if isinstance(c.target_modules, list):
        projections = {name.rpartition(".")[2] for name in c.target_modules}
    wanted = {(layer, projection) for layer in layers for projection in projections}
    # which ones are left out is said by module names or a pattern: the weights tell
    lacking = set() if c.exclude_modules else wanted - found
    for layer, projection in sorted(lacking | (found - wanted))[:1]:
        has, lacks = (
            (PEFT_CONFIG, PEFT_WEIGHTS) if (layer, projection) in wanted else (PEFT_WEIGHTS, PEFT_CONFIG)
        )
        raise FinetuneError(
            f"{folder}: {has} has layer {layer}, {projection}, {lacks} has not; copy both files again"
        )


Found = dict[tuple[int, str, str], "Floats"]


def _matrices(path: Path) -> Found:
    """Every weight, by (layer, projection, "A" or "B")."""
    found: Found = {}
    for name, value in _tensors(path):
        match = _NAME.fullmatch(name)
        if match is None:
            raise FinetuneError(f"{path}: {name} is no LoRA weight of a projection; train without it")
        found[int(match[1]), match[2], match[3]] = value
    return found


def _tensors(path: Path) -> list[tuple[str, Floats]]:
    try:
        from safetensors import SafetensorError, deserialize
    except ImportError:
        raise FinetuneError("reading PEFT's files needs: pip install 'stepwell[finetune]'") from None
    try:
        stored = deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
        return [(name, _floats(tensor, f"{path}: {name}")) for name, tensor in stored]
    except OSError as e:
        raise FinetuneError(f"{path}: {e.strerror or type(e).__name__}; no PEFT adapter there") from e
    except (SafetensorError, ValueError) as e:
        raise FinetuneError(f"{path}: no safetensors file, or it breaks off ({type(e).__name__})") from None


class _Stored(TypedDict):
    dtype: str
    shape: list[int]
    data: bytearray


def _floats(stored: _Stored, what: str) -> Floats:
    import numpy as np

    data, kind = stored["data"], stored["dtype"]
    if kind == "BF16":  # the upper half of a float32
        values = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    elif kind in ("F16", "F32", "F64"):
        values = np.frombuffer(data, f"<f{int(kind[1:]) // 8}").astype(np.float32)
    else:
        raise FinetuneError(f"{what} is stored as {kind}; it must be F32, F16 or BF16")
    if not np.isfinite(values).all():
        raise FinetuneError(f"{what} holds numbers that are not finite; train again at a lower rate")
    return values.reshape(stored["shape"])


def _pair(found: Found, place: tuple[int, str], rank: int, folder: Path) -> Pair:
    a, b = found.get((*place, "A")), found.get((*place, "B"))
    what = f"{folder / PEFT_WEIGHTS}: layer {place[0]}, {place[1]}"
    if a is None or b is None:
        raise FinetuneError(f"{what}: lora_{'A' if a is None else 'B'} is missing; copy the whole file")
    if a.ndim != 2 or b.ndim != 2 or not a.shape[0] == b.shape[1] == rank:
        raise FinetuneError(f"{what}: A is {a.shape}, B is {b.shape}, which is not of rank {rank}")
    return Pair(a, b)
