"""What the writers must know of a base model: read from its GGUF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from stepwell.evals.finetune.data.example import FinetuneError

if TYPE_CHECKING:
    from gguf import GGUFReader

# others order the rows of q and k in other ways, and none of them was tried
ARCHITECTURES = ("llama",)


@dataclass(frozen=True, slots=True)
class BaseShape:
    """A base model's shape.

    Attributes:
        n_heads, n_kv_heads: Query heads, key/value heads.
        matrices: Name -> (outputs, inputs), of all weights with two axes.
    """

    architecture: str
    n_layers: int
    n_heads: int
    n_kv_heads: int
    matrices: Mapping[str, tuple[int, int]]


def open_gguf(path: Path) -> GGUFReader:
    """The file, mapped into memory.

    Raises:
        FinetuneError: It can't be read, is no GGUF or breaks off, or the extra is missing.
    """
    try:
        from stepwell.evals.finetune.gguf.reader import PlainReader
    except ImportError:
        raise FinetuneError("writing GGUF needs the package gguf: pip install 'stepwell[finetune]'") from None
    try:
        return PlainReader(path)
    except OSError as e:
        raise FinetuneError(f"{path}: {e.strerror or type(e).__name__}") from e
    except Exception as e:  # gguf meets a broken file in many ways
        raise FinetuneError(f"{path}: no GGUF that can be read ({type(e).__name__})") from e


def shape_of(reader: GGUFReader, path: Path) -> BaseShape:
    """Raises:
    FinetuneError: The architecture is none that can be written, or the file lacks what a model has.
    """
    architecture = str(_value(reader, "general.architecture", path))
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise FinetuneError(
            f"{path}: its architecture is {architecture!r}; adapters are written for: {known}"
        )
    n_heads = _whole(reader, f"{architecture}.attention.head_count", path)
    named = f"{architecture}.attention.head_count_kv"
    return BaseShape(
        architecture=architecture,
        n_layers=_whole(reader, f"{architecture}.block_count", path),
        n_heads=n_heads,
        n_kv_heads=_whole(reader, named, path) if named in reader.fields else n_heads,
        matrices=MappingProxyType(
            {t.name: (int(t.shape[1]), int(t.shape[0])) for t in reader.tensors if len(t.shape) == 2}
        ),
    )


def _whole(reader: GGUFReader, key: str, path: Path) -> int:
    value = _value(reader, key, path)
    if not isinstance(value, int):
        raise FinetuneError(f"{path}: {key} is not one number; such models are not written")
    return value


def _value(reader: GGUFReader, key: str, path: Path) -> object:
    field = reader.fields.get(key)
    if field is None:
        raise FinetuneError(f"{path}: no {key} in it; it is no language model's GGUF")
    return field.contents()
