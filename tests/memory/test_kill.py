"""A store whose process is killed: it opens, nothing is torn, and what it had confirmed is there."""

from __future__ import annotations

import random
from pathlib import Path

from tests.memory.killing import faults, killed_while_it_writes


async def test_nothing_is_torn_after_kill_9(tmp_path: Path) -> None:
    path, rng, first = str(tmp_path / "c.db"), random.Random(3), 0
    for _ in range(8):  # `python -m tests.tools.stress_store` does a hundred
        said = killed_while_it_writes(path, first, after_s=rng.uniform(0, 0.2))
        assert await faults(path, first, said) == []
        first = max(said.sent) + 1
    assert first > 100
