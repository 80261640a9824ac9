"""Lock this process up for good: limits, privileges, files, system calls. In this order."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
import sys
from dataclasses import dataclass

from . import landlock
from .filters import Rights, make_filter

_SET_PDEATHSIG, _SET_DUMPABLE, _SET_KEEPCAPS, _SET_SECCOMP, _SET_NO_NEW_PRIVS = 1, 4, 8, 22, 38
_MODE_FILTER = 2
_CAPABILITY_VERSION = 0x20080522
_DAC_READ_SEARCH = 1 << 2
_FIRST_OWN_UID = 0x70000000  # far above any account's
MAX_THREADS = 32
_MAX_OPEN_FILES = 64
_MAX_STACK_BYTES = 64 << 20
_SHARED_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo")
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Limits:
    """What a process may use.

    Attributes:
        n_threads: Of its user, all processes counted; root's program has a user of its own instead.
    """

    cpu_s: int
    memory_bytes: int
    n_threads: int


def can_choose_files() -> bool:
    """Whether the kernel can limit which files are read; without that none can be opened."""
    return landlock.version(_libc) > 0


def n_threads_of_user() -> int:
    """Threads that this user has on the machine: what RLIMIT_NPROC counts."""
    found = 0
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                task = os.stat(f"/proc/{entry.name}/task")
            except OSError:  # it has ended meanwhile
                continue
            found += task.st_nlink - 2 if task.st_uid == os.geteuid() else 0
    return found


def lock(limits: Limits, *, parent: int) -> None:
    """After this the process can compute, read the standard library and use the pipes that it holds.

    Args:
        parent: Its process id; where that is gone, so is this process.

    Raises:
        OSError: Something can't be locked; nothing untrusted may run then.
    """
    has_files = can_choose_files()
    _offer_to_the_oom_killer()
    _limit(limits)
    can_thread = os.geteuid() != 0 or _leave_root(keeps_reading=has_files)
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    _prctl(_SET_DUMPABLE, 0)
    _prctl(_SET_NO_NEW_PRIVS, 1)
    if has_files:
        # beside the standard library lie the shared libraries that some of its modules need
        folders = [os.path.dirname(os.path.dirname(os.__file__)), *(p for p in sys.path if os.path.isdir(p))]
        landlock.restrict_to(_libc, [*folders, *_SHARED_LIBRARIES])
    _filter_calls(Rights(can_open=has_files, can_thread=can_thread))


def _offer_to_the_oom_killer() -> None:
    try:
        with open("/proc/self/oom_score_adj", "w") as f:
            f.write("1000")
    except OSError:  # a courtesy to the host, no part of the lock
        pass


def _limit(limits: Limits) -> None:
    wanted = {
        resource.RLIMIT_AS: limits.memory_bytes,
        resource.RLIMIT_CPU: limits.cpu_s,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: _MAX_OPEN_FILES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_STACK: _MAX_STACK_BYTES,
        resource.RLIMIT_NPROC: MAX_THREADS if os.geteuid() == 0 else limits.n_threads,
    }
    for what, most in wanted.items():
        hard = resource.getrlimit(what)[1]
        capped = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (capped, capped))


def _leave_root(*, keeps_reading: bool) -> bool:
    """Become a user who owns nothing and has no other process, and drop what root may.

    A uid of its own makes RLIMIT_NPROC count its own threads alone. Python may lie where only root looks, so the
    right to read stays; Landlock says what.

    Returns:
        Whether the uid is its own; some containers map too few.
    """
    own = _FIRST_OWN_UID + os.getpid()
    try:
        _prctl(_SET_KEEPCAPS, 1)
        os.setgroups([])
        os.setresgid(own, own, own)
        os.setresuid(own, own, own)
        is_own = True
    except OSError:
        is_own = False
    kept = _DAC_READ_SEARCH if keeps_reading and is_own else 0
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    if _libc.capset(header, struct.pack("=6I", kept, kept, 0, 0, 0, 0)) != 0:
        raise OSError(ctypes.get_errno(), "capset")
    return is_own


def _filter_calls(rights: Rights) -> None:
    code = make_filter(os.uname().machine, rights)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    _prctl(_SET_SECCOMP, _MODE_FILTER, ctypes.c_char_p(program))


def _prctl(option: int, *arguments: object) -> None:
    padded = [*arguments, *[0] * (4 - len(arguments))]
    if _libc.prctl(option, *(ctypes.c_ulong(a) if isinstance(a, int) else a for a in padded)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl {option}: {os.strerror(code)}")
