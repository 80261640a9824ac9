"""Kill processes that write conversations, and print what came of it.

Run as `python -m tests.tools.stress_log [--kills 100]`: so many times one process is killed, and so many times two that
write one file. Exits 1 where a confirmed turn is lost, torn or out of order, or half an exchange is there.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.memory.context.kill_log import Truth, killed_while_they_write


async def kill(path: str, n_kills: int, n_processes: int) -> list[str]:
    rng, first, truth, n_sure, n_open, found = random.Random(7), 1, Truth(), 0, 0, list[str]()
    for _ in range(n_kills // n_processes):
        after_s = [rng.uniform(0, 0.5) for _ in range(n_processes)]
        said = killed_while_they_write(path, first, after_s=after_s)
        found += await truth.faults(path, said)
        n_sure, n_open = n_sure + len(said.sure), n_open + len(said.open)
        first = 1 + max([n for _, n in said.sure] + [*said.open.values()])
    print(
        f"kill -9, {n_processes} process(es) a file: {n_kills // n_processes * n_processes} kills, {n_sure} confirmed "
        f"steps, {len(found)} faults; {n_open} steps under way, of which {truth.n_unsure_kept} were there, whole"
    )
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    asked = parser.parse_args()
    found: list[str] = []
    with TemporaryDirectory() as folder:
        for n_processes in (1, 2):
            path = str(Path(folder) / f"{n_processes}.db")
            found += asyncio.run(kill(path, asked.kills, n_processes))
    for fault in found[:20]:
        print(fault)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
