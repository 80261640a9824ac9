from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.base.config import CacheConfig
from stepwell.base.errors import BadRequest
from stepwell.memory.replay import replay
from tests.support.likeness import Likeness

SKY = "why is the sky blue today"
SKY_TOO = "why is the sky so blue today"


class Words:
    """A bag of words."""

    name = "words"
    dim = 64

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.split():
                row[crc32(word.encode()) % self.dim] += 1.0
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


ROWS: list[dict[str, object]] = [
    {"prompt": SKY, "answer": "Rayleigh."},
    {"prompt": SKY, "id": "again"},
    {"prompt": SKY_TOO},
    {"prompt": SKY_TOO, "tenant": "other"},
]


@pytest.mark.parametrize(
    ("semantic", "statuses"),
    [
        ("off", ["miss", "hit", "miss", "miss"]),
        ("shadow", ["miss", "hit", "shadow_hit", "miss"]),
        ("serve", ["miss", "hit", "semantic_hit", "miss"]),
    ],
)
async def test_says_what_each_row_met(semantic: str, statuses: list[str], tmp_path: Path) -> None:
    config = CacheConfig.model_validate({"semantic": semantic, "path": str(tmp_path / "c.db")})
    likeness = Likeness(0.9)
    likeness.is_serving = semantic == "serve"
    out = [row async for row in replay(ROWS, config, Words(), parts=likeness)]  # type: ignore[arg-type]
    assert [row["status"] for row in out] == statuses
    assert [row["id"] for row in out] == [0, "again", 2, 3]
    assert all(set(row) == {"id", "status", "similarity", "p_same", "reason"} for row in out)
    if semantic != "off":
        assert out[2]["similarity"] == pytest.approx(0.926, abs=0.01)
    assert not (tmp_path / "c.db").exists()  # the real cache is left alone


async def test_reads_rows_as_they_come() -> None:
    async def rows() -> AsyncIterator[dict[str, object]]:
        for row in ROWS:
            yield row

    out = [row["status"] async for row in replay(rows(), CacheConfig(), None)]
    assert out == ["miss", "hit", "miss", "miss"]


async def test_a_row_without_a_prompt_is_named() -> None:
    with pytest.raises(BadRequest, match="Row 1 "):
        _ = [row async for row in replay([{"prompt": "hi"}, {"text": "secret"}], CacheConfig(), None)]
