"""Which system calls a locked-up program may make, as a seccomp filter in classic BPF.

Source: the kernel's Documentation/userspace-api/seccomp_filter.rst and linux/filter.h.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from .calls import ARCHES, CHECKED, FATAL, FREE

KILL = 0x80000000  # the whole process, by SIGSYS
ALLOW = 0x7FFF0000
ERRNO = 0x00050000
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000
# struct seccomp_data: int nr; u32 arch; u64 instruction_pointer; u64 args[6], little-endian
_NR, _ARCH, _ARGS = 0, 4, 16
_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06

_O_READ_ONLY_MASK = 0o3 | 0o100 | 0o1000  # access mode, O_CREAT, O_TRUNC
_CLONE_THREAD = 0x00000100 | 0x00000800 | 0x00010000  # VM, SIGHAND, THREAD
_CLONE_NEW = (
    0x00000080 | 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
)
_FCNTL = (
    0,
    1,
    2,
    3,
    1030,
)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC: no F_SETOWN, it can signal others
_FIOCLEX = 0x5451
_AF_UNIX = 1


@dataclass(frozen=True)
class Rights:
    """What differs from machine to machine.

    Attributes:
        can_open: Files may be opened for reading; only where Landlock says which.
        can_thread: Threads may be started; only where their number is limited.
    """

    can_open: bool
    can_thread: bool


_Step = tuple[int, int, int, int]  # code, jump if true, jump if false, k


def make_filter(arch: str, rights: Rights) -> bytes:
    """The filter, as an array of struct sock_filter.

    Calls on the list pass, hostile ones kill the process, all others are answered with ENOSYS, as an older kernel
    would: libc then does without.

    Args:
        arch: As `os.uname().machine` says: x86_64 or aarch64.
    """
    column = ARCHES.index(arch)
    steps: list[_Step] = [_load(_ARCH), *_unless(_EQUAL, _AUDIT_ARCH[arch], KILL), _load(_NR)]
    if arch == "x86_64":
        steps += [(_AT_LEAST, 0, 1, _X32_BIT), _give(KILL)]
    for name, numbers in CHECKED.items():
        number = numbers[column]
        if number is not None:
            body = _checked(name, rights)
            steps += [(_EQUAL, 0, len(body), number), *body]
    steps += _any_of((n[column] for n in FREE.values()), ALLOW)
    steps += _any_of((n[column] for n in FATAL.values()), KILL)
    steps.append(_give(ERRNO | errno.ENOSYS))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _checked(name: str, rights: Rights) -> list[_Step]:
    if name in ("open", "openat"):
        if not rights.can_open:
            return [_give(ERRNO | errno.EACCES)]
        return [*_masked(1 if name == "open" else 2, _O_READ_ONLY_MASK), *_verdict(0)]
    if name == "clone":
        refused = [_give(KILL)] if rights.can_thread else [_give(ERRNO | errno.EAGAIN)]
        is_thread = [*_masked(0, _CLONE_THREAD | _CLONE_NEW), (_EQUAL, 1, 0, _CLONE_THREAD), _give(KILL)]
        return [*is_thread, _give(ALLOW) if rights.can_thread else refused[0]]
    if name == "clone3":  # its flags lie in memory, which a filter can't read; libc falls back to clone
        return [_give(ERRNO | errno.ENOSYS)]
    if name == "fcntl":
        return [*_masked(1, 0xFFFFFFFF), *_any_of(_FCNTL, ALLOW), _give(ERRNO | errno.EPERM)]
    if name == "ioctl":
        return [*_masked(1, 0xFFFFFFFF), *_any_of([_FIOCLEX], ALLOW), _give(ERRNO | errno.ENOTTY)]
    if name == "socket":  # libc asks a local service who the user is: no answer, but no end either
        return [*_masked(0, 0xFFFFFFFF), *_any_of([_AF_UNIX], ERRNO | errno.EACCES), _give(KILL)]
    return [*_masked(0, 0xFFFFFFFF), *_verdict(0)]  # prlimit64: of oneself, where hard limits only go down


def _masked(arg: int, mask: int) -> list[_Step]:
    """Load an argument's low half: flags, commands and process ids are 32 bits wide."""
    return [_load(_ARGS + 8 * arg), (_AND, 0, 0, mask)]


def _verdict(allowed: int) -> list[_Step]:
    return [(_EQUAL, 0, 1, allowed), _give(ALLOW), _give(KILL)]


def _any_of(numbers: Iterable[int | None], action: int) -> list[_Step]:
    return [step for n in numbers if n is not None for step in ((_EQUAL, 0, 1, n), _give(action))]


def _unless(test: int, value: int, action: int) -> list[_Step]:
    return [(test, 1, 0, value), _give(action)]


def _load(offset: int) -> _Step:
    return (_LOAD, 0, 0, offset)


def _give(action: int) -> _Step:
    return (_RETURN, 0, 0, action)
