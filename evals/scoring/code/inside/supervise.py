"""The process between Stepwell and a program: starts both sides, watches time and output, tells how it ended.

It reads no job itself, so that nothing of the tests is in its memory when it forks the program's side.
"""

from __future__ import annotations

import gc
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from . import MOST_PATIENCE, program_side, tests_side
from .lock import MAX_THREADS, Limits, n_threads_of_user
from .wire import Gone, Json, read_exactly, receive, send

HEADER_BYTES = 32  # bytes of the job, time limit in ms, memory in bytes, most output in bytes: 8 bytes each


@dataclass
class _Run:
    program: int
    tests: int
    output: int
    result: int
    n_output_bytes: int = 0
    has_read: bool = False


def supervise() -> None:
    """Serve jobs from stdin until it closes, one result each on stdout."""
    os.environ.clear()
    sys.set_int_max_str_digits(0)
    null = os.open(os.devnull, os.O_RDONLY)
    n_threads = n_threads_of_user() + MAX_THREADS
    gc.freeze()
    while True:
        try:
            header = read_exactly(0, HEADER_BYTES)
            n_job_bytes, limit_ms, memory_bytes, max_output = (
                int.from_bytes(header[n : n + 8], "little") for n in range(0, HEADER_BYTES, 8)
            )
            limits = Limits(-(-limit_ms // 1000) + 1, memory_bytes, n_threads)
            ended = _run(n_job_bytes, limits, limit_ms / 1e3, max_output, null)
            send(1, ended)
        except Gone:
            return


def _run(n_job_bytes: int, limits: Limits, limit_s: float, max_output: int, null: int) -> Json:
    began = time.monotonic()
    me = os.getpid()
    to_program, from_program, output, result = os.pipe(), os.pipe(), os.pipe(), os.pipe()
    program = _fork(
        lambda: program_side.serve_program(limits, parent=me),
        [null, output[1], output[1], to_program[0], from_program[1]],
    )
    tests = _fork(
        lambda: tests_side.judge_program(n_job_bytes, limits, parent=me),
        [0, output[1], output[1], from_program[0], to_program[1], result[1]],
    )
    for fd in (*to_program, *from_program, output[1], result[1]):
        os.close(fd)
    run = _Run(program, tests, output[0], result[0])
    said = _watch(run, began, limit_s, max_output)
    statuses = [_end(pid) for pid in (tests, program)]
    os.close(output[0])
    os.close(result[0])
    cpu_s = sum(usage.ru_utime + usage.ru_stime for _, usage in statuses)
    ended = {
        "n_output_bytes": run.n_output_bytes,
        "cpu_ms": cpu_s * 1e3,
        "wall_ms": (time.monotonic() - began) * 1e3,
        "has_read": run.has_read,
    }
    if said.get("reason") == "gone":
        said = {"reason": _cause(statuses[1][0])}
    elif said.get("reason") == "vanished":
        said = {"reason": _cause(statuses[0][0])}
    return {**ended, **said}


def _fork(work: Callable[[], None], fds: list[int]) -> int:
    """Start a process that holds `fds` as 0, 1, 2 ... and nothing else."""
    pid = os.fork()
    if pid:
        return pid
    try:
        high = [os.dup(fd) for fd in fds]
        base = max(*high, len(fds)) + 1
        for n, fd in enumerate(high):
            os.dup2(fd, base + n)
        for n in range(len(fds)):
            os.dup2(base + n, n)
        os.closerange(len(fds), base + len(fds))
        work()
    except BaseException:  # noqa: BLE001 - a forked copy must never go on as the supervisor
        pass
    os._exit(0)


def _watch(run: _Run, began: float, limit_s: float, max_output: int) -> Json:
    """Wait for the tests' word, the time limit, too much output, or for Stepwell to hang up."""
    poll = select.poll()
    for fd in (run.output, run.result):
        poll.register(fd, select.POLLIN)
    while (left_s := _left_s(run, began, limit_s)) > 0:
        for fd, _ in poll.poll(left_s * 1e3 + 1):
            if fd == 0:  # nothing is sent before this job's result: stdin can only have closed
                return {"reason": "killed"}
            if fd == run.output:
                n_bytes = len(os.read(fd, 1 << 16))
                run.n_output_bytes += n_bytes
                if n_bytes == 0:
                    poll.unregister(fd)
                if run.n_output_bytes > max_output:
                    return {"reason": "output"}
                continue
            try:
                said = receive(fd)
            except Gone:
                return {"reason": "vanished"}
            if "read" not in said:
                return said
            run.has_read = True
            poll.register(0, select.POLLIN)
    return {"reason": "timeout"}


def _left_s(run: _Run, began: float, limit_s: float) -> float:
    """What is left of the time limit. Time spent waiting for a core is the machine's, not the program's."""
    taken_s = time.monotonic() - began
    if taken_s < limit_s or taken_s >= limit_s * MOST_PATIENCE:
        return limit_s - taken_s
    return limit_s - taken_s + _waited_s(run.program) + _waited_s(run.tests)


def _waited_s(pid: int) -> float:
    """How long a process has been ready to run while others ran; 0 where the kernel doesn't say."""
    try:
        with open(f"/proc/{pid}/schedstat", "rb") as f:
            return int(f.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def _end(pid: int) -> tuple[int, resource.struct_rusage]:
    os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    return status, usage


def _cause(status: int) -> str:
    """Why a process ended before it had answered."""
    if not os.WIFSIGNALED(status):
        return "exited"
    number = os.WTERMSIG(status)
    if number == signal.SIGSYS:
        return "forbidden"
    return "timeout" if number == signal.SIGXCPU else "killed"
