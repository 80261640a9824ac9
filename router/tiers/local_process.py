"""One llama.cpp process, as its parent holds it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from dataclasses import dataclass

import msgspec

from stepwell.router.tiers.local_server import Started

START_TIMEOUT_S = 60.0
_ENDS_WITHIN_S = 1.0  # a broken connection is seen a moment before the exit of the process that broke it


class NotStarted(Exception):
    """The process did not come up; `has_ended` tells an exit from silence."""

    def __init__(self, has_ended: bool) -> None:
        super().__init__("llama.cpp did not start")
        self.has_ended = has_ended


@dataclass(frozen=True, slots=True)
class Running:
    """A process that serves at `base_url`."""

    process: asyncio.subprocess.Process
    base_url: str

    @property
    def is_alive(self) -> bool:
        return self.process.returncode is None

    async def has_died(self) -> bool:
        """Whether the process has ended, or does so within a moment."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ENDS_WITHIN_S):
                await self.process.wait()
        return not self.is_alive

    async def end(self) -> None:
        """Kill the process, and wait until it is gone."""
        await _end(self.process)


async def start_process(started: Started, timeout_s: float = START_TIMEOUT_S) -> Running:
    """Start llama.cpp and wait until the model is loaded.

    Raises:
        NotStarted: It ended or stayed silent; nothing is left behind.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "stepwell.router.tiers.local_server", msgspec.json.encode(started).decode()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(started),
    )
    try:
        return Running(process, await _address(process, timeout_s) + "/v1")
    except BaseException:
        await _end(process)
        raise


def _environment(started: Started) -> dict[str, str]:
    made = dict(os.environ)
    made.setdefault("GGML_NO_BACKTRACE", "1")  # or a crash runs a debugger before the process ends
    if started.max_memory_mb is not None:
        made.setdefault(
            "MALLOC_ARENA_MAX", "2"
        )  # or every thread reserves address space that it does not use
    return made


async def _address(process: asyncio.subprocess.Process, timeout_s: float) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(timeout_s):
            line = await process.stdout.readline()
    except TimeoutError:
        raise NotStarted(has_ended=False) from None
    if not line.startswith(b"http"):
        raise NotStarted(has_ended=True)
    return line.decode().strip()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await process.wait()
    if process.stdin is not None:
        process.stdin.close()
