"""Start, pin, measure and stop the processes that are compared."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

QUIET_S = 0.03
QUIET_TRIES = 1000
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Cores:
    """Load and mock on one core, what is measured on another, where there are two."""

    def __init__(self) -> None:
        found = sorted(os.sched_getaffinity(0))
        self.is_split = len(found) > 1
        self.load = {found[0]}
        self.server = {found[-1]}


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def start(
    command: Sequence[str], *, cores: set[int], log: Path, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a process in a group of its own, on `cores`; what it says goes to `log`."""
    with log.open("ab") as out:
        return subprocess.Popen(
            command,
            env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and its children: politely, then not."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.stdin is not None:
        process.stdin.close()


def tree(pid: int) -> Iterator[int]:
    yield pid
    for task in _listed(Path(f"/proc/{pid}/task")):
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text().split():
                yield from tree(int(child))


def cpu_us(pid: int) -> float:
    """CPU time of all threads of the process and its children so far, from the scheduler's own count."""
    total_ns = 0
    for p in tree(pid):
        for task in _listed(Path(f"/proc/{p}/task")):
            with contextlib.suppress(OSError, IndexError):
                total_ns += int((task / "schedstat").read_text().split()[0])
    return total_ns / 1e3


async def quiet_cpu_us(pid: int) -> float:
    """As `cpu_us`, once work in the background is done."""
    before = cpu_us(pid)
    for _ in range(QUIET_TRIES):
        await asyncio.sleep(QUIET_S)
        now = cpu_us(pid)
        if now - before < QUIET_S * 1e6 * 0.05:
            break
        before = now
    return now


def rss_mib(pid: int) -> float:
    """Resident memory of the process and its children."""
    pages = 0
    for p in tree(pid):
        with contextlib.suppress(OSError):
            pages += int(Path(f"/proc/{p}/statm").read_text().split()[1])
    return pages * PAGE_BYTES / 2**20


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
