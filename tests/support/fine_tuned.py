"""Fine-tuned models made without training: adapters whose numbers are drawn, and heads by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from stepwell.router.tiers import weights
from stepwell.router.tiers.adapters import ALIASES, Aliases, adapters_folder
from stepwell.router.tiers.bundle import CARD, FILES, Bundle, BundleCard, BundleKind, file_sha256, read_bundle
from stepwell.router.tiers.head_file import Head

MODEL = "smollm2-135m-instruct"
RANK = 4
# of the model's matrices: inputs, outputs
SHAPES = {"attn_v": (576, 192), "ffn_down": (1536, 576)}


def write_adapter(path: Path, seed: int, *, strength: float = 2.0) -> None:
    """A LoRA GGUF for the small local model that turns its answers around; another seed turns them elsewhere."""
    import gguf

    rng = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(RANK))
    for layer in range(24, 30):
        for part, (n_in, n_out) in SHAPES.items():
            name = f"blk.{layer}.{part}.weight"
            a = rng.standard_normal((RANK, n_in)) / n_in**0.5
            writer.add_tensor(f"{name}.lora_a", a.astype(np.float32))
            writer.add_tensor(f"{name}.lora_b", (strength * rng.standard_normal((n_out, RANK))).astype("f4"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def adapter_bundle(folder: Path, seed: int, *, strength: float = 2.0, **card: object) -> Bundle:
    """A drawn adapter with its card."""
    folder.mkdir(parents=True, exist_ok=True)
    write_adapter(folder / FILES["adapter"], seed, strength=strength)
    made = {"base": MODEL, "base_sha256": weights.known(MODEL).sha256, **card}
    return with_card(folder, "adapter", **made)


def head_bundle(folder: Path, words: Sequence[str], answers: Sequence[str], **card: object) -> Bundle:
    """A head that answers with the n-th answer where the n-th word stands."""
    folder.mkdir(parents=True, exist_ok=True)
    weight = 5 * np.eye(len(answers), len(words), dtype=np.float32)
    ones = np.ones(len(words), np.float32)
    bias = np.zeros(len(answers), np.float32)
    Head(tuple(answers), weight, bias, tuple(words), ones).save(folder / FILES["head"])
    return with_card(folder, "head", head="tfidf", **card)


def with_card(folder: Path, kind: BundleKind, **card: object) -> Bundle:
    """The folder's file as a bundle."""
    fields = {"name": folder.name, "kind": kind, "sha256": file_sha256(folder / FILES[kind]), **card}
    (folder / CARD).write_bytes(msgspec.json.encode(msgspec.convert(fields, BundleCard)))
    return read_bundle(folder)


def promoted(bundle: Bundle, name: str) -> Bundle:
    """The bundle where promoted models lie, as its name's champion; needs STEPWELL_HOME."""
    folder = adapters_folder() / name / bundle.card.version
    folder.mkdir(parents=True)
    for file in bundle.folder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    aliases = Aliases(champion=bundle.card.version)
    (folder.parent / ALIASES).write_bytes(msgspec.json.encode(aliases))
    return read_bundle(folder)
