"""A PEFT adapter as the GGUF adapter that llama.cpp switches on and off by request."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.gguf.base import open_gguf, shape_of
from stepwell.evals.finetune.gguf.deltas import Deltas, deltas_for
from stepwell.evals.finetune.gguf.file import Planned, write_gguf
from stepwell.evals.finetune.gguf.peft import read_peft

if TYPE_CHECKING:
    from gguf import GGUFWriter

    from stepwell.evals.finetune.gguf.arrays import Floats, Stored

Precision = Literal["f16", "f32"]
_MOST_F16 = 65504.0


def write_adapter(peft: Path, base: Path, out: Path, *, name: str, precision: Precision = "f16") -> None:
    """Write a GGUF adapter; the same adapter, base and name give the same bytes.

    Args:
        peft: Folder with adapter_config.json and adapter_model.safetensors.
        base: GGUF of the model that it was trained on.
        name: Written into the file.

    Raises:
        FinetuneError: A file can't be read, the adapter does not fit the base, or `out` can't be written.
    """
    adapter = read_peft(peft)
    shape = shape_of(open_gguf(base), base)
    deltas = deltas_for(shape, adapter)
    write_gguf(out, shape.architecture, partial(_add_fields, name, deltas.alpha), _planned(deltas, precision))


def _add_fields(name: str, alpha: float, writer: GGUFWriter) -> None:
    from gguf import GGUFType, Keys

    writer.add_type(GGUFType.ADAPTER)
    writer.add_name(name)
    writer.add_string(Keys.Adapter.TYPE, "lora")
    writer.add_float32(Keys.Adapter.LORA_ALPHA, alpha)


def _planned(deltas: Deltas, precision: Precision) -> list[Planned]:
    from gguf import GGMLQuantizationType

    kind = GGMLQuantizationType.F16 if precision == "f16" else GGMLQuantizationType.F32
    parts = [
        (f"{n}.lora_{x}", m) for n, pair in deltas.pairs.items() for x, m in (("a", pair.a), ("b", pair.b))
    ]
    return [Planned(name, m.shape, kind, partial(_stored, m, name, precision)) for name, m in parts]


def _stored(matrix: Floats, name: str, precision: Precision) -> Stored:
    import numpy as np

    if precision == "f32":
        return matrix.astype("<f4")
    if np.abs(matrix).max() > _MOST_F16:
        raise FinetuneError(
            f"{name} holds numbers over {_MOST_F16:,.0f}, too large for float16; write float32"
        )
    return matrix.astype("<f2")
