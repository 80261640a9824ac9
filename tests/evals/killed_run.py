"""A run to be killed: argv is the journal's path and the file that counts asks. Not a test; test_kill.py starts it."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from stepwell.base.reply import Reply
from stepwell.evals.bench import InstantWell
from stepwell.evals.run import RunOptions, run_suite
from stepwell.evals.suite import Suite


class CountingWell(InstantWell):
    """Writes the number of each row to a file as it is asked."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def achat(self, messages: str | list[dict[str, Any]], **params: Any) -> Reply:
        assert isinstance(messages, list)
        os.write(self._fd, f"{messages[0]['content']}\n".encode())
        await asyncio.sleep(0.002)
        return await super().achat(messages, **params)


def main(journal: str, asked: str) -> None:
    rows = (f'{{"id":"{i}","prompt":"{i}","target":{1233 + i % 2},"scorer":"numeric"}}' for i in range(600))
    suite = Suite.parse(rows, name="killed")
    report = asyncio.run(
        run_suite(
            CountingWell(asked),
            suite,
            tiers=["instant"],
            journal_path=journal,
            options=RunOptions(concurrency=4),
        )
    )
    print(report.n_ended, report.tiers[0].quality, report.tiers[0].cost_nano_usd)


if __name__ == "__main__":
    main(*sys.argv[1:])
