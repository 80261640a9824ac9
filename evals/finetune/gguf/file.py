"""GGUF files, written tensor by tensor: whole or not at all, and the same bytes for the same content."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from stepwell.evals.finetune.data.whole import whole_file

if TYPE_CHECKING:
    from gguf import GGMLQuantizationType, GGUFWriter

    from stepwell.evals.finetune.gguf.arrays import Stored


@dataclass(frozen=True, slots=True)
class Planned:
    """A tensor to write.

    Attributes:
        shape: Of the numbers, the longest stride first.
        data: Makes what is stored; called once, when its turn comes, so that one tensor at a time is in memory.
    """

    name: str
    shape: tuple[int, ...]
    kind: GGMLQuantizationType
    data: Callable[[], Stored]

    @property
    def n_bytes(self) -> int:
        from gguf import GGML_QUANT_SIZES

        block_size, block_bytes = GGML_QUANT_SIZES[self.kind]
        return math.prod(self.shape) // block_size * block_bytes


def write_gguf(
    path: Path, architecture: str, add_fields: Callable[[GGUFWriter], None], tensors: Sequence[Planned]
) -> None:
    """Write a file.

    Args:
        add_fields: Adds the metadata.

    Raises:
        FinetuneError: It can't be written; what was there before stays.
    """
    import numpy as np
    from gguf import GGUFWriter
    from gguf.gguf_writer import WriterState

    writer = GGUFWriter(None, architecture)
    add_fields(writer)
    for t in tensors:
        # the dtype says nothing here: `raw_dtype` does, and the shape is of numbers
        writer.add_tensor_info(t.name, t.shape, np.dtype(np.float32), t.n_bytes, raw_dtype=t.kind)
    with whole_file(path) as out:
        # a file that is open already: GGUFWriter itself would open one by its name
        writer.fout, writer.state = [out], WriterState.EMPTY  # type: ignore[list-item]
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        _pad(out, out.tell(), writer.data_alignment)
        for t in tensors:
            data = t.data().tobytes()
            assert len(data) == t.n_bytes, t.name
            out.write(data)
            _pad(out, len(data), writer.data_alignment)


def _pad(out: BinaryIO, n_bytes: int, alignment: int) -> None:
    out.write(bytes(-n_bytes % alignment))
