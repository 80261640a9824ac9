"""A base that trains in a second: the real tokenizer, embeddings and lowest layers of the real model; and examples."""

from __future__ import annotations

import json
from pathlib import Path

from stepwell.evals.finetune.data.dataset import Dataset, DatasetCard, content_sha256
from stepwell.evals.finetune.data.example import Example
from stepwell.evals.finetune.train.recipe import Recipe

RECIPE = Recipe(
    first_layer=1,
    n_steps=12,
    batch_size=2,
    rank=4,
    alpha=8,
    dropout=0.0,
    learning_rate=1e-3,
    n_warmup_steps=2,
    averaged=0.25,
)
COLOURS = ("red", "green", "blue", "grey", "pink")


def cut_base(real: Path, path: Path, *, n_layers: int = 2) -> Path:
    """Write the real model's GGUF with its lowest layers alone."""
    from gguf import GGUFReader, GGUFValueType, GGUFWriter

    read = GGUFReader(real)
    writer = GGUFWriter(path, "llama")
    for name, field in read.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        value = n_layers if name == "llama.block_count" else field.contents()
        kind = field.types[0]
        sub = field.types[-1] if kind == GGUFValueType.ARRAY else None
        writer.add_key_value(name, value, kind, sub)
    for tensor in read.tensors:
        parts = tensor.name.split(".")
        if parts[0] != "blk" or int(parts[1]) < n_layers:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def made(n: int = 10, *, system: str | None = "Colour.") -> Dataset:
    """A dataset whose answers say which colour was named."""
    colours = [COLOURS[i % len(COLOURS)] for i in range(n)]
    return of(
        [
            Example(
                id=str(i),
                messages=({"role": "user", "content": f"Lamp {i * 37}: I want it {colour}."},),
                answer=json.dumps({"colour": colour}, separators=(",", ":")),
            )
            for i, colour in enumerate(colours)
        ],
        system=system,
    )


def of(train: list[Example], *, system: str | None = "Colour.") -> Dataset:
    """A dataset of these examples, none held out."""
    card = DatasetCard(content_sha256(train, (), system=system), "json", len(train), 0, len(train), system)
    return Dataset(card, tuple(train), ())
