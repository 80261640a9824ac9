"""Merged models, and the base in other precisions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader, LlamaFileType, dequantize
from numpy.typing import NDArray
from safetensors.numpy import load_file

from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.gguf.merged import MergedPrecision, write_merged
from stepwell.evals.finetune.gguf.rows import from_llama
from tests.support.lora import NAMES, TINY, write_lora, write_tiny_base

Tensors = dict[str, NDArray[np.float32]]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_tiny_base(tmp_path / "base.gguf")


def _tensors(path: Path) -> Tensors:
    return {t.name: dequantize(t.data, t.tensor_type) for t in GGUFReader(path).tensors}


def test_the_base_alone_is_the_base(base: Path, tmp_path: Path) -> None:
    write_merged(base, tmp_path / "same.gguf", precision="f32")
    before, after = _tensors(base), _tensors(tmp_path / "same.gguf")
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_metadata_is_kept(base: Path, tmp_path: Path) -> None:
    write_merged(base, tmp_path / "m.gguf", precision="q8_0", name="mails")
    before, after = (_fields(path) for path in (base, tmp_path / "m.gguf"))
    added = {"general.file_type": int(LlamaFileType.MOSTLY_Q8_0), "general.quantization_version": 2}
    assert after == {**before, **added, "general.name": "mails"}
    write_merged(base, tmp_path / "m.gguf", precision="f16")
    assert _fields(tmp_path / "m.gguf")["general.name"] == "tiny"


def test_merged_weights_are_those_of_transformers(base: Path, tmp_path: Path) -> None:
    lora = write_lora(tmp_path / "lora", rank=4, alpha=8)
    write_merged(base, tmp_path / "m.gguf", precision="f32", peft=lora)
    before, after = _tensors(base), _tensors(tmp_path / "m.gguf")
    given = load_file(lora / "adapter_model.safetensors")
    heads = {"q_proj": 4, "k_proj": 2}
    for name in TINY:
        part = "self_attn" if name[0] in "qkvo" else "mlp"
        a, b = (given[f"base_model.model.model.layers.1.{part}.{name}.lora_{x}.weight"] for x in "AB")
        tensor = f"blk.1.{NAMES[name]}.weight"
        old, new = before[tensor], after[tensor]
        if name in heads:
            old, new = from_llama(old, heads[name]), from_llama(new, heads[name])
        assert np.allclose(new, old + 8 / 4 * (b @ a), atol=1e-6)
        assert not np.allclose(new, old, atol=1e-3)
    untouched = [name for name in before if not name.startswith("blk.1.") or "norm" in name]
    assert untouched
    assert all(np.array_equal(before[name], after[name]) for name in untouched)


@pytest.mark.parametrize(("precision", "off"), [("f16", 1e-3), ("q8_0", 1e-2)])
def test_matrices_are_rounded_and_vectors_are_not(
    precision: MergedPrecision, off: float, base: Path, tmp_path: Path
) -> None:
    write_merged(base, tmp_path / "m.gguf", precision=precision)
    kinds = {t.name: t.tensor_type for t in GGUFReader(tmp_path / "m.gguf").tensors}
    vectors = {name for name in kinds if "norm" in name}
    assert {kinds[name] for name in vectors} == {GGMLQuantizationType.F32}
    assert {kinds[name] for name in kinds.keys() - vectors} == {GGMLQuantizationType[precision.upper()]}
    before, after = _tensors(base), _tensors(tmp_path / "m.gguf")
    for name in kinds:
        furthest = np.abs(before[name]).max()
        assert np.abs(after[name] - before[name]).max() <= (0 if name in vectors else off * furthest)


def test_the_same_input_gives_the_same_bytes(base: Path, tmp_path: Path) -> None:
    lora = write_lora(tmp_path / "lora")
    for out in ("a.gguf", "b.gguf"):
        write_merged(base, tmp_path / out, precision="q8_0", peft=lora)
    assert (tmp_path / "a.gguf").read_bytes() == (tmp_path / "b.gguf").read_bytes()


def test_a_base_of_another_kind_is_refused(tmp_path: Path) -> None:
    base = write_tiny_base(tmp_path / "base.gguf", architecture="bert")
    with pytest.raises(FinetuneError, match="architecture is 'bert'"):
        write_merged(base, tmp_path / "m.gguf", precision="f32")
    assert not (tmp_path / "m.gguf").exists()


def _fields(path: Path) -> dict[str, object]:
    return {key: f.contents() for key, f in GGUFReader(path).fields.items() if not key.startswith("GGUF.")}
