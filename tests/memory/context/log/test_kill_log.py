"""Processes that are killed while they write: what was confirmed is there, whole and in order."""

from __future__ import annotations

import random
from pathlib import Path

from tests.memory.context.kill_log import Truth, killed_while_they_write


async def test_kill_9_loses_nothing_that_was_confirmed(tmp_path: Path) -> None:
    path, rng, first, truth, n_sure = str(tmp_path / "c.db"), random.Random(5), 1, Truth(), 0
    for n_processes in (1, 2, 1, 2):  # `python -m tests.tools.stress_log` kills a hundred
        after_s = [rng.uniform(0, 0.2) for _ in range(n_processes)]
        said = killed_while_they_write(path, first, after_s=after_s)
        assert await truth.faults(path, said) == []
        n_sure += len(said.sure)
        first = 1 + max([n for _, n in said.sure] + [*said.open.values()])
    assert n_sure > 50
