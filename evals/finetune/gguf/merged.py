"""A base with an adapter worked into it, or alone, in another precision: one file that needs no adapter."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from stepwell.evals.finetune.gguf.base import open_gguf, shape_of
from stepwell.evals.finetune.gguf.deltas import Deltas, deltas_for
from stepwell.evals.finetune.gguf.file import Planned, write_gguf
from stepwell.evals.finetune.gguf.peft import read_peft

if TYPE_CHECKING:
    from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter, ReaderTensor

    from stepwell.evals.finetune.gguf.arrays import Floats, Stored

MergedPrecision = Literal["q8_0", "f16", "f32"]


def write_merged(
    base: Path, out: Path, *, precision: MergedPrecision, peft: Path | None = None, name: str = ""
) -> None:
    """Write a model; the same base, adapter and name give the same bytes.

    Args:
        base: GGUF; its metadata, tokenizer and chat template are kept.
        precision: Of matrices; vectors are float32.
        peft: PEFT folder of the adapter to add; None: the base alone, for instance to compare at one precision.
        name: Written into the file; "": the base's.

    Raises:
        FinetuneError: A file can't be read, the adapter does not fit the base, or `out` can't be written.
    """
    reader = open_gguf(base)
    shape = shape_of(reader, base)
    deltas = Deltas(0.0, 1, {}) if peft is None else deltas_for(shape, read_peft(peft))
    fields = partial(_add_fields, reader, precision, name)
    write_gguf(out, shape.architecture, fields, list(_planned(reader, deltas, precision)))


def _add_fields(reader: GGUFReader, precision: MergedPrecision, name: str, writer: GGUFWriter) -> None:
    from gguf import GGML_QUANT_VERSION, GGUFValueType, Keys, LlamaFileType

    general = Keys.General
    own = {general.ARCHITECTURE, general.ALIGNMENT, general.FILE_TYPE, general.QUANTIZATION_VERSION}
    for key, field in reader.fields.items():
        if not key.startswith("GGUF.") and key not in own and not (name and key == general.NAME):
            sub_type = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
            writer.add_key_value(key, field.contents(), field.types[0], sub_type)
    writer.add_name(name)
    kinds = {"q8_0": LlamaFileType.MOSTLY_Q8_0, "f16": LlamaFileType.MOSTLY_F16, "f32": LlamaFileType.ALL_F32}
    writer.add_file_type(kinds[precision])
    writer.add_quantization_version(GGML_QUANT_VERSION)


def _planned(reader: GGUFReader, deltas: Deltas, precision: MergedPrecision) -> Iterator[Planned]:
    for tensor in reader.tensors:
        shape = tuple(int(n) for n in reversed(tensor.shape))
        kind = _kind(shape, precision)
        yield Planned(tensor.name, shape, kind, partial(_stored, tensor, shape, kind, deltas))


def _kind(shape: tuple[int, ...], precision: MergedPrecision) -> GGMLQuantizationType:
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    wanted = GGMLQuantizationType[precision.upper()]
    if len(shape) < 2:
        return GGMLQuantizationType.F32
    # rows that are not whole blocks can't be quantised
    return GGMLQuantizationType.F16 if shape[-1] % GGML_QUANT_SIZES[wanted][0] else wanted


def _stored(
    tensor: ReaderTensor, shape: tuple[int, ...], kind: GGMLQuantizationType, deltas: Deltas
) -> Stored:
    from gguf import dequantize, quantize

    added = deltas.added_to(tensor.name)
    if added is None and tensor.tensor_type == kind:
        return tensor.data
    weights: Floats = dequantize(tensor.data, tensor.tensor_type).reshape(shape)
    stored: Stored = quantize(weights if added is None else weights + added, kind)
    return stored
