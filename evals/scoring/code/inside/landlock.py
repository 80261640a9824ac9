"""Landlock: a process gives up all files but the folders it names (kernel 5.13 and later).

Source: the kernel's Documentation/userspace-api/landlock.rst and linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_PATH_BENEATH = 1
# rights of files known to each version: 1 (13 of them), 2 rename, 3 truncate, 5 device ioctl
_FILE_RIGHTS = {0: 0, 1: 13, 2: 14, 3: 15, 4: 15, 5: 16}


def version(libc: ctypes.CDLL) -> int:
    """The kernel's version of Landlock; 0 where there is none."""
    return max(0, int(libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)))


def restrict_to(libc: ctypes.CDLL, folders: Iterable[str]) -> None:
    """Leave this process nothing but reading beneath `folders`; those that are missing are skipped.

    Raises:
        OSError: The kernel refuses.
    """
    found = version(libc)
    files = (1 << _FILE_RIGHTS[min(found, 5)]) - 1
    ports = 0b11 if found >= 4 else 0  # bind, connect
    scopes = 0b11 if found >= 6 else 0  # abstract sockets, signals
    attributes = struct.pack("=QQQ", files, ports, scopes)[: 8 if found < 4 else 16 if found < 6 else 24]
    ruleset = _call(libc, _CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    for folder in folders:
        _allow(libc, ruleset, folder)
    _call(libc, _RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, folder: str) -> None:
    try:
        opened = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    rule = struct.pack("=Qi", _READ_FILE | _READ_DIR, opened)
    _call(libc, _ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
    os.close(opened)


def _call(libc: ctypes.CDLL, number: int, *arguments: object) -> int:
    given = int(libc.syscall(number, *arguments))
    if given < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"landlock: {os.strerror(code)}")
    return given
