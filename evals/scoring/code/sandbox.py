"""Run untrusted Python: locked-up processes that end with the program, a bounded number at once."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from stepwell.evals.scoring.code.ended import Ended, SandboxFailed, SandboxUnavailable
from stepwell.evals.scoring.code.inside import MOST_PATIENCE
from stepwell.evals.scoring.code.inside.calls import ARCHES

TIMEOUT_S = 5.0
MAX_MEMORY_MB = 512
MAX_OUTPUT_BYTES = 1 << 20
MAX_SOURCE_BYTES = 4 << 20
GRACE_S = 5.0  # what the watching process may take beyond the program's own limit
HANG_UP_S = 1.0
_HERE = Path(__file__).parent
_START = """
import sys
sys.path.insert(0, sys.argv[1])
from inside.supervise import supervise
del sys.path[0]
sys.dont_write_bytecode = True
supervise()
"""
_PROBE = """
import os, sys
sys.path.insert(0, sys.argv[1])
from inside.lock import Limits, lock
try:
    lock(Limits(cpu_s=9, memory_bytes=1 << 29, n_threads=9), parent=os.getppid())
except OSError as e:
    print(e.strerror)
    sys.exit(1)
"""
# sets keep their order, so the same answer scores the same; cleared before a program starts
_ENVIRONMENT = {"PYTHONHASHSEED": "0"}
_KEPT = ("LD_LIBRARY_PATH",)  # some Pythons don't start without
# -S and -s: no site-packages; -P: no path of the working directory
_FLAGS = ("-S", "-s", "-P", "-X", "utf8", "-X", "frozen_modules=on")


class Job(msgspec.Struct, frozen=True):
    """A program and what decides on it.

    Attributes:
        sources: Readings of the program: the first that is Python runs.
        tests: Statements that call it; they run in another process than the program.
        given: What the tests may use beside it: imports, helpers. Trusted like the tests.
        names: What the program must define.
    """

    sources: tuple[str, ...]
    tests: str = ""
    given: str = ""
    names: tuple[str, ...] = ()


class _Sent(Job, frozen=True, kw_only=True):
    nonce: str


class _Said(msgspec.Struct):
    """What the watching process tells."""

    reason: str = "killed"
    unlocked: str | None = None
    has_read: bool = False
    n_output_bytes: int = 0
    cpu_ms: float = 0.0
    wall_ms: float = 0.0


@dataclass(slots=True)
class Sandbox:
    """Places to run programs, opened when they are first needed and used again.

    Args:
        concurrency: Programs at once; as many as there are cores unless said.
        max_output_bytes: A program that writes more is stopped.
    """

    concurrency: int = field(
        default_factory=lambda: max(1, len(os.sched_getaffinity(0))) if _is_linux() else 1
    )
    max_output_bytes: int = MAX_OUTPUT_BYTES
    _free: list[asyncio.subprocess.Process] = field(default_factory=list)
    _places: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.concurrency)

    async def run(
        self, job: Job, *, timeout_s: float = TIMEOUT_S, max_memory_mb: int = MAX_MEMORY_MB
    ) -> Ended:
        """Run a program until it ends or has to.

        Args:
            timeout_s: Of wall-clock time, its tests' included; not counted is waiting for a core of a busy machine, up
                to three times as long.
            max_memory_mb: Address space of the program and, apart, of its tests; Python itself takes about 30.

        Raises:
            SandboxUnavailable: This machine can't lock it up; it did not run.
            SandboxFailed: The sandbox broke.
        """
        check_machine()
        data = _encoded(job)
        if data is None:
            return Ended("syntax")
        async with self._places:
            process = self._free.pop() if self._free else await _start()
            try:
                said = await asyncio.wait_for(
                    self._exchange(process, data, timeout_s, max_memory_mb),
                    MOST_PATIENCE * timeout_s + GRACE_S,
                )
            except BaseException as e:
                await _stop(process)
                if isinstance(e, TimeoutError | OSError | EOFError | msgspec.DecodeError):
                    raise SandboxFailed("the sandbox's own process ended or hangs; run it again") from e
                raise
            if said.has_read:
                self._free.append(process)
            else:  # part of the job may still lie in its pipe
                await _stop(process)
        return _ended(said)

    async def _exchange(
        self, process: asyncio.subprocess.Process, data: bytes, timeout_s: float, max_memory_mb: int
    ) -> _Said:
        if process.stdin is None or process.stdout is None:
            raise EOFError
        header = (len(data), round(timeout_s * 1e3), max_memory_mb << 20, self.max_output_bytes)
        process.stdin.write(b"".join(n.to_bytes(8, "little") for n in header) + data)
        await process.stdin.drain()
        n_bytes = int.from_bytes(await process.stdout.readexactly(4), "little")
        return msgspec.json.decode(await process.stdout.readexactly(n_bytes), type=_Said)

    async def close(self) -> None:
        """End the waiting processes."""
        while self._free:
            await _stop(self._free.pop())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def run_program(
    source: str,
    *,
    tests: str = "",
    names: Sequence[str] = (),
    timeout_s: float = TIMEOUT_S,
    max_memory_mb: int = MAX_MEMORY_MB,
) -> Ended:
    """Run one program by itself; many run cheaper in one `Sandbox`.

    Tests given apart run in another process than the program, so passing can't be claimed. Where they are part of
    `source`, a program that knows this sandbox can cheat them, as in any single process.

    Raises:
        SandboxUnavailable: This machine can't lock it up; it did not run.
        SandboxFailed: The sandbox broke.
    """
    async with Sandbox(concurrency=1) as sandbox:
        job = Job((source,), tests, names=tuple(names))
        return await sandbox.run(job, timeout_s=timeout_s, max_memory_mb=max_memory_mb)


def check_machine() -> None:
    """Raises:
    SandboxUnavailable: Not Linux, or a processor whose system calls aren't known here.
    """
    if not _is_linux():
        raise SandboxUnavailable(
            f"programs are run on Linux only, where they can be locked up; not on {sys.platform}"
        )
    machine = os.uname().machine
    if machine not in ARCHES or sys.maxsize < 2**32:
        raise SandboxUnavailable(
            f"programs can't be locked up on {machine}; only on {', '.join(ARCHES)} of 64 bits"
        )


def check_lock() -> None:
    """Lock one process up and let it go; takes about 50 ms, once before a run.

    Raises:
        SandboxUnavailable: This machine can't.
    """
    check_machine()
    command = [sys.executable, *_FLAGS, "-c", _PROBE, str(_HERE)]
    try:
        done = subprocess.run(
            command, env=_environment(), cwd="/", capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as e:
        raise SandboxUnavailable("Python can't be started anew here, so no program can be locked up") from e
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace").strip()
        raise SandboxUnavailable(f"the kernel refuses to lock programs up ({said or 'it gives no reason'})")


def _is_linux() -> bool:
    return sys.platform == "linux"


def _encoded(job: Job) -> bytes | None:
    sent = _Sent(job.sources, job.tests, job.given, job.names, nonce=secrets.token_hex(16))
    try:
        data = msgspec.json.encode(sent)
    except UnicodeEncodeError:  # half a surrogate pair is no Python source
        return None
    return data if len(data) <= MAX_SOURCE_BYTES else None


def _ended(said: _Said) -> Ended:
    if said.unlocked is not None:
        raise SandboxUnavailable(f"the kernel refuses to lock programs up ({said.unlocked}); none was run")
    return msgspec.convert(
        {
            "reason": said.reason,
            "n_output_bytes": said.n_output_bytes,
            "cpu_ms": round(said.cpu_ms, 3),
            "wall_ms": round(said.wall_ms, 3),
        },
        Ended,
    )


def _environment() -> dict[str, str]:
    return _ENVIRONMENT | {k: v for k in _KEPT if (v := os.environ.get(k))}


async def _start() -> asyncio.subprocess.Process:
    command = [sys.executable, *_FLAGS, "-c", _START, str(_HERE)]
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(),
            cwd="/",
            start_new_session=True,
        )
    except OSError as e:
        raise SandboxFailed(f"no process can be started: {e.strerror}") from e


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Hang up, so that it ends what it runs; kill the whole group where that isn't enough."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), HANG_UP_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
