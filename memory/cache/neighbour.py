"""What a search by meaning finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepwell.memory.store import Record


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A cached prompt near the one asked for.

    Attributes:
        seq: Its row in the store.
        answer_id: The entry whose answer it leads to.
        similarity: Cosine, -1..1.
        sketch: What the verifier kept of it; None where it kept nothing.
    """

    seq: int
    answer_id: str
    similarity: float
    sketch: bytes | None = None


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Living neighbours, nearest first, and what is known of the answers that they lead to.

    Attributes:
        sizes: For each answer_id in `near`, how many living prompts of the partition lead to it.
        records: For each of them that was ever judged, its record.
    """

    near: tuple[Neighbour, ...]
    sizes: Mapping[str, int]
    records: Mapping[str, Record]
