"""The scorer `code`: an answer is right if its program passes the row's tests in the sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from stepwell.evals.scored import Scored
from stepwell.evals.scoring.code.options import CodeOptions
from stepwell.evals.scoring.code.sandbox import Sandbox, check_lock

if TYPE_CHECKING:
    from stepwell.evals.suite import Row

_read = msgspec.json.Decoder(CodeOptions).decode


class CodeScorer:
    """Runs programs; 1 where all tests hold, else 0 and the reason in a word.

    Args:
        concurrency: Programs at once; as many as there are cores unless said.

    Raises:
        SandboxUnavailable: This machine can't lock programs up.
    """

    def __init__(self, *, concurrency: int | None = None) -> None:
        check_lock()
        self._sandbox = Sandbox() if concurrency is None else Sandbox(concurrency=concurrency)

    async def score(self, row: Row, answers: Sequence[str]) -> Scored:
        """Run the last answer's program.

        Raises:
            SandboxUnavailable, SandboxFailed: It did not run, which says nothing of it.
        """
        options = _read(row.options_json)
        ended = await self._sandbox.run(
            options.job(answers[-1]), timeout_s=options.timeout_s, max_memory_mb=options.max_memory_mb
        )
        if ended.reason == "unsupported":  # the row's fault, not the answer's
            return Scored(None, why=ended.reason, error="tests_unsupported")
        return Scored(float(ended.passed), why=ended.reason)

    def key(self, row: Row) -> str:
        """Nothing: the row's options say all."""
        return ""

    async def close(self) -> None:
        await self._sandbox.close()
