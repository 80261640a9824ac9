"""The prompts of one partition, in memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Container, Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepwell.memory.cache.faiss_rows import clustered, flat, keep_to_one_thread, without
from stepwell.memory.cache.neighbour import Neighbour
from stepwell.memory.store import VectorRow

Vector = NDArray[np.float32]

MIN_DEAD = 64
SWEEP_EVERY_S = 1.0


class PartitionIndex:
    """Vectors in half precision, and where each leads. Rows die, and go when it is filled anew. Not thread-safe."""

    def __init__(self, dim: int, *, faiss_index: Any = None) -> None:
        """Make it empty.

        Args:
            faiss_index: An empty one to fill; default compares all rows.
        """
        self.last_seq = 0
        self.faiss_index: Any = flat(dim) if faiss_index is None else faiss_index
        self.is_clustered = faiss_index is not None
        self.dim = dim
        self._seqs = array("q")
        self._expiries_s = array("d")
        self._answers: list[str] = []
        self._names: dict[str, str] = {}
        self._is_dead = bytearray()
        self._n_dead = 0
        self._sizes: dict[str, int] = {}
        self._swept_at_s = 0.0

    def __len__(self) -> int:
        return len(self._seqs)

    @property
    def n_live(self) -> int:
        return len(self._seqs) - self._n_dead

    @property
    def is_worn(self) -> bool:
        """True where most of it is dead, so that filling it anew pays."""
        return self._n_dead > max(MIN_DEAD, len(self._seqs) // 2)

    def empty_copy(self) -> PartitionIndex:
        """A new one for the same vectors, with the same clusters."""
        import faiss

        if not self.is_clustered:
            return PartitionIndex(self.dim)
        old = self.faiss_index
        centroids = faiss.downcast_index(old.quantizer).reconstruct_n(0, old.nlist)
        return PartitionIndex(self.dim, faiss_index=clustered(centroids))

    def add(self, rows: Sequence[VectorRow]) -> None:
        """Take rows over; those of another width are left out."""
        fitting = [r for r in rows if len(r.vector) == 2 * self.dim]
        if fitting:
            keep_to_one_thread()
            vectors = np.frombuffer(b"".join(r.vector for r in fitting), np.float16)
            self.faiss_index.add(vectors.reshape(-1, self.dim).astype(np.float32))
        for row in fitting:
            answer_id = self._names.setdefault(row.answer_id, row.answer_id)
            self._seqs.append(row.seq)
            self._answers.append(answer_id)
            self._expiries_s.append(row.expires_at_s)
            self._sizes[answer_id] = self._sizes.get(answer_id, 0) + 1
        self._is_dead.extend(bytes(len(fitting)))
        self.last_seq = rows[-1].seq if rows else self.last_seq

    def forget(self, seqs: Iterable[int]) -> None:
        """Leave some rows out from now on."""
        for seq in seqs:
            row = bisect_left(self._seqs, seq)
            if row < len(self._seqs) and self._seqs[row] == seq:
                self._bury(row)

    def leading_to(self, answer_ids: Container[str], *, limit: int) -> list[int]:
        """The first living rows that lead to some answers: their seqs. Looks at every row."""
        found = (
            self._seqs[row]
            for row, answer_id in enumerate(self._answers)
            if answer_id in answer_ids and not self._is_dead[row]
        )
        return list(islice(found, limit))

    def sizes(self, answer_ids: Iterable[str]) -> dict[str, int]:
        """How many living rows lead to each answer, as far as is known here."""
        return {answer_id: self._sizes.get(answer_id, 0) for answer_id in answer_ids}

    def nearest(self, query: Vector, *, n: int, now_s: float) -> list[Neighbour]:
        """Find up to `n` living rows, nearest first.

        Args:
            query: Shape (dim,), L2-normalised; where it has another width, nothing is near.
        """
        if not self.n_live or query.shape != (self.dim,):
            return []
        if not 0 <= now_s - self._swept_at_s < SWEEP_EVERY_S:
            self._sweep(now_s)
        keep_to_one_thread()
        rows = query.reshape(1, -1)
        scores, found = self.faiss_index.search(rows, n)
        live, has_met_dead = self._live(scores, found, now_s)
        if has_met_dead:  # they crowd out the living
            self._sweep(now_s)
            is_dead = np.frombuffer(self._is_dead, np.bool_)
            scores, found = self.faiss_index.search(rows, n, params=without(is_dead, self.faiss_index))
            live, _ = self._live(scores, found, now_s)
        return live

    def _live(self, scores: Any, found: Any, now_s: float) -> tuple[list[Neighbour], bool]:
        live, has_met_dead = [], False
        for score, row in zip(scores[0].tolist(), found[0].tolist(), strict=True):
            if row < 0:  # fewer rows than asked for
                continue
            if self._expiries_s[row] <= now_s:
                self._bury(row)
            if self._is_dead[row]:
                has_met_dead = True
                continue
            live.append(Neighbour(self._seqs[row], self._answers[row], min(1.0, max(-1.0, score))))
        return live, has_met_dead

    def _sweep(self, now_s: float) -> None:
        """Bury all that has expired."""
        self._swept_at_s = now_s
        expired = np.frombuffer(self._expiries_s, np.float64) <= now_s
        for row in np.flatnonzero(expired & ~np.frombuffer(self._is_dead, np.bool_)).tolist():
            self._bury(row)

    def _bury(self, row: int) -> None:
        if self._is_dead[row]:
            return
        self._is_dead[row] = 1
        self._n_dead += 1
        answer_id = self._answers[row]
        left = self._sizes[answer_id] - 1
        if left:
            self._sizes[answer_id] = left
        else:
            del self._sizes[answer_id]
