"""GGUF adapters: what is in the file, and what is refused before one is written."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader
from safetensors.numpy import load_file, save_file

from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.gguf.adapter import write_adapter
from tests.support.lora import NAMES, TINY, write_lora, write_tiny_base


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_tiny_base(tmp_path / "base.gguf")


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    return write_lora(tmp_path / "lora")


def test_the_file_holds_what_llama_cpp_asks_for(base: Path, lora: Path, tmp_path: Path) -> None:
    write_adapter(lora, base, tmp_path / "a.gguf", name="mails", precision="f32")
    read = GGUFReader(tmp_path / "a.gguf")
    found = {key: f.contents() for key, f in read.fields.items() if not key.startswith("GGUF.")}
    assert found == {
        "general.architecture": "llama",
        "general.type": "adapter",
        "general.name": "mails",
        "adapter.type": "lora",
        "adapter.lora.alpha": 8.0,
    }
    given = load_file(lora / "adapter_model.safetensors")
    tensors = {t.name: t.data for t in read.tensors}
    assert len(tensors) == 2 * len(TINY)
    for name in TINY:
        part = "self_attn" if name[0] in "qkvo" else "mlp"
        a, b = (given[f"base_model.model.model.layers.1.{part}.{name}.lora_{x}.weight"] for x in "AB")
        stem = f"blk.1.{NAMES[name]}.weight"
        assert np.array_equal(tensors[f"{stem}.lora_a"], a)
        assert np.array_equal(np.sort(tensors[f"{stem}.lora_b"], axis=0), np.sort(b, axis=0))
        assert np.array_equal(tensors[f"{stem}.lora_b"], b) == (name not in ("q_proj", "k_proj"))
    # second row of the first head: the first one of its other half; k has 2 heads, q has 4, both of 8 rows
    q, k = (f"base_model.model.model.layers.1.self_attn.{x}_proj.lora_B.weight" for x in "qk")
    assert np.array_equal(tensors["blk.1.attn_q.weight.lora_b"][1], given[q][4])
    assert np.array_equal(tensors["blk.1.attn_k.weight.lora_b"][9], given[k][12])


def test_the_same_input_gives_the_same_bytes(base: Path, lora: Path, tmp_path: Path) -> None:
    for out in ("a.gguf", "b.gguf"):
        write_adapter(lora, base, tmp_path / out, name="mails")
    assert (tmp_path / "a.gguf").read_bytes() == (tmp_path / "b.gguf").read_bytes()
    write_adapter(lora, base, tmp_path / "b.gguf", name="others")
    assert (tmp_path / "a.gguf").read_bytes() != (tmp_path / "b.gguf").read_bytes()


def test_float16_unless_asked(base: Path, lora: Path, tmp_path: Path) -> None:
    write_adapter(lora, base, tmp_path / "a.gguf", name="mails")
    assert {t.tensor_type for t in GGUFReader(tmp_path / "a.gguf").tensors} == {GGMLQuantizationType.F16}


def test_bfloat16_weights_are_read(base: Path, lora: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file as load_torch
    from safetensors.torch import save_file as save_torch

    file = lora / "adapter_model.safetensors"
    halved = {n: t.to(torch.bfloat16) for n, t in load_torch(file).items()}
    save_torch(halved, file)
    write_adapter(lora, base, tmp_path / "a.gguf", name="mails", precision="f32")
    tensors = {t.name: t.data for t in GGUFReader(tmp_path / "a.gguf").tensors}
    name = "base_model.model.model.layers.1.mlp.up_proj.lora_B.weight"
    assert np.array_equal(tensors["blk.1.ffn_up.weight.lora_b"], halved[name].float().numpy())


def test_rank_stabilised_alpha_is_turned_into_a_plain_one(base: Path, tmp_path: Path) -> None:
    lora = write_lora(tmp_path / "lora", rank=4, alpha=8, use_rslora=True)
    write_adapter(lora, base, tmp_path / "a.gguf", name="mails")
    alpha = GGUFReader(tmp_path / "a.gguf").fields["adapter.lora.alpha"].contents()
    assert alpha / 4 == 8 / 4**0.5


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"peft_type": "IA3"}, "peft_type is 'IA3'"),
        ({"use_dora": True}, "use_dora is on"),
        ({"bias": "lora_only"}, "bias is 'lora_only'"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights is 'pissa'"),
        ({"alpha_pattern": {"q_proj": 3}}, "alpha_pattern is set"),
        ({"rank_pattern": {"q_proj": 3}}, "rank_pattern is set"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save is set"),
        ({"alora_invocation_tokens": [1, 2]}, "alora_invocation_tokens is set"),
        ({"layer_replication": [[0, 1], [0, 2]]}, "layer_replication is set"),
        ({"trainable_token_indices": [1]}, "trainable_token_indices is set"),
        ({"target_parameters": ["mlp.x"]}, "target_parameters is set"),
        ({"use_qalora": True}, "use_qalora is set"),
        ({"arrow_config": {"top_k": 1}}, "arrow_config is set"),
        ({"of_the_next_version": 0.5}, "of_the_next_version is set"),
        ({"lora_alpha": 0}, "lora_alpha is 0"),
        ({"r": 8}, "not of rank 8"),
        ({"r": "8"}, "not the configuration of a LoRA adapter"),
        (
            {"layers_to_transform": [0, 1]},
            "adapter_config.json has layer 0, down_proj, adapter_model.safetensors",
        ),
        ({"layers_to_transform": 0}, "adapter_config.json has layer 0, down_proj"),
        ({"target_modules": ["q_proj"]}, "adapter_model.safetensors has layer 1, down_proj"),
    ],
)
def test_a_configuration_that_does_not_fit(
    config: dict[str, object], said: str, base: Path, tmp_path: Path
) -> None:
    lora = write_lora(tmp_path / "lora", **config)  # type: ignore[arg-type]
    _refused(lora, base, tmp_path, said)


def test_keys_that_are_not_set_or_tell_nothing(base: Path, tmp_path: Path) -> None:
    from peft import LoraConfig

    usual = json.loads(
        json.dumps(
            LoraConfig(task_type="CAUSAL_LM", lora_dropout=0.1).to_dict(),  # type: ignore[no-untyped-call]
            default=list,
        )
    )
    own = ("peft_type", "r", "lora_alpha", "target_modules", "layers_to_transform")
    lora = write_lora(tmp_path / "lora", **{k: v for k, v in usual.items() if k not in own})
    write_adapter(lora, base, tmp_path / "a.gguf", name="mails")
    assert len(GGUFReader(tmp_path / "a.gguf").tensors) == 2 * len(TINY)


def test_modules_may_be_left_out(base: Path, tmp_path: Path) -> None:
    lora = write_lora(
        tmp_path / "lora", target_modules=list(TINY), exclude_modules=["model.layers.1.self_attn.q_proj"]
    )
    file = lora / "adapter_model.safetensors"
    save_file({n: t for n, t in load_file(file).items() if "q_proj" not in n}, file)
    write_adapter(lora, base, tmp_path / "a.gguf", name="mails")
    assert len(GGUFReader(tmp_path / "a.gguf").tensors) == 2 * (len(TINY) - 1)
    other = write_lora(tmp_path / "other", target_modules=["k_proj"], exclude_modules=["v_proj"])
    _refused(other, base, tmp_path, "adapter_model.safetensors has layer 1, down_proj")


def test_an_adapter_of_another_base(base: Path, tmp_path: Path) -> None:
    _refused(write_lora(tmp_path / "deep", layers=[5]), base, tmp_path, "has a layer 5, the base has 2")
    wide = write_lora(tmp_path / "wide", {**TINY, "v_proj": (32, 32)})
    _refused(wide, base, tmp_path, "v_proj: the adapter is for 32 x 32, the base has 16 x 32")
    odd = write_lora(tmp_path / "odd", {**TINY, "fused_proj": (32, 32)})
    _refused(odd, base, tmp_path, "layer 1: the base has no fused_proj")
    gemma = write_tiny_base(tmp_path / "gemma.gguf", architecture="gemma3")
    _refused(write_lora(tmp_path / "fits"), gemma, tmp_path, "architecture is 'gemma3'")


def test_weights_that_are_no_weights(base: Path, lora: Path, tmp_path: Path) -> None:
    file = lora / "adapter_model.safetensors"
    whole = load_file(file)
    q = "base_model.model.model.layers.1.self_attn.q_proj.lora_{}.weight"
    save_file({n: t for n, t in whole.items() if n != q.format("B")}, file)
    _refused(lora, base, tmp_path, "layer 1, q_proj: lora_B is missing")
    save_file({**whole, q.format("B"): whole[q.format("B")] * np.float32(np.nan)}, file)
    _refused(lora, base, tmp_path, "not finite")
    save_file({**whole, q.format("B"): whole[q.format("B")] * np.float32(1e8)}, file)
    _refused(lora, base, tmp_path, "attn_q.weight.lora_b holds numbers over 65,504")
    save_file({**whole, q.format("B"): whole[q.format("B")].astype(np.int32)}, file)
    _refused(lora, base, tmp_path, "stored as I32")
    save_file({**whole, "lm_head.weight": np.ones(3, np.float32)}, file)
    _refused(lora, base, tmp_path, "lm_head.weight is no LoRA weight")
    save_file({}, file)
    _refused(lora, base, tmp_path, "no LoRA weights in it")
    file.write_bytes(file.read_bytes()[:-3])
    _refused(lora, base, tmp_path, "no safetensors file, or it breaks off")
    file.unlink()
    _refused(lora, base, tmp_path, "No such file")


def test_a_base_that_is_no_base(base: Path, lora: Path, tmp_path: Path) -> None:
    _refused(lora, tmp_path / "none.gguf", tmp_path, "No such file")
    for cut in (b"", b"GGUF", base.read_bytes()[:200], base.read_bytes()[:-4000]):
        (tmp_path / "cut.gguf").write_bytes(cut)
        _refused(lora, tmp_path / "cut.gguf", tmp_path, "no GGUF that can be read")


def test_a_full_disk_leaves_what_was_there(base: Path, lora: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.gguf"
    write_adapter(lora, base, out, name="before")
    before = out.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", _WRITE, str(lora), str(base), str(out)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == f"{out} can't be written: File too large"
    assert out.read_bytes() == before
    assert {p.name for p in tmp_path.iterdir()} == {"a.gguf", "base.gguf", "lora"}


_WRITE = f"""
import json, signal, sys
from pathlib import Path
from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.gguf.adapter import write_adapter
signal.signal({int(signal.SIGXFSZ)}, signal.SIG_IGN)
try:
    write_adapter(*map(Path, sys.argv[1:]), name="after")
except FinetuneError as e:
    print(json.dumps(str(e)))
"""


def _refused(lora: Path, base: Path, tmp_path: Path, said: str) -> None:
    with pytest.raises(FinetuneError) as e:
        write_adapter(lora, base, tmp_path / "refused.gguf", name="mails")
    assert said in str(e.value)
    assert not list(tmp_path.glob("*refused*"))
