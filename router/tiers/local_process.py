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
_KILLED = (-9, -15)  # by SIGKILL or SIGTERM: somebody ended it, it did not fail


class NotStarted(Exception):
    """The process did not come up.

    Attributes:
        has_failed: It ended, and nobody ended it.
    """

    def __init__(self, why: str = "", *, has_failed: bool = False) -> None:
        super().__init__("llama.cpp did not start" + (f": {why}" if why else ""))
        self.has_failed = has_failed


@dataclass(frozen=True, slots=True)
class Running:
    """A process that serves at `base_url`."""

    process: asyncio.subprocess.Process
    base_url: str

    @property
    def is_alive(self) -> bool:
        return self.process.returncode is None

    @property
    def is_stopped(self) -> bool:
        """Whether somebody halted it (SIGSTOP): it lives and answers nobody. Known on Linux alone."""
        try:
            with open(f"/proc/{self.process.pid}/stat", "rb") as file:
                return file.read().rpartition(b") ")[2][:1] == b"T"
        except OSError:
            return False

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
        NotStarted: There can be no process now, or it ended or stayed silent; nothing is left behind.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "stepwell.router.tiers.local_server", msgspec.json.encode(started).decode()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(started),
        )
    except OSError as e:  # no memory, no free process or file
        raise NotStarted(e.strerror or type(e).__name__) from e
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
        raise NotStarted from None
    if not line.startswith(b"http"):
        raise await _why_not(process)
    return line.decode().strip()


async def _why_not(process: asyncio.subprocess.Process) -> NotStarted:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_ENDS_WITHIN_S):
            await process.wait()
    if process.returncode in _KILLED:
        return NotStarted("it was killed")
    return NotStarted(has_failed=True)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await process.wait()
    if process.stdin is not None:
        process.stdin.close()
