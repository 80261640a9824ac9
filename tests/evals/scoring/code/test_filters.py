"""The seccomp filter, run here by an interpreter of the kernel's own rules: what it says to any call."""

from __future__ import annotations

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.scoring.code.inside.calls import ARCHES, CHECKED, FATAL, FREE
from stepwell.evals.scoring.code.inside.filters import ALLOW, ERRNO, KILL, Rights, make_filter

AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
OPEN = Rights(can_open=True, can_thread=True)
CLOSED = Rights(can_open=False, can_thread=False)
THREAD = 0x3D0F00  # what pthread_create asks for
arches = st.sampled_from(ARCHES)


def verdict(code: bytes, nr: int, *args: int, audit: int) -> int:
    """Run a filter on one call."""
    data = struct.pack("<iIQ6Q", nr, audit, 0, *(*args, *[0] * (6 - len(args))))
    steps = list(struct.iter_unpack("=HBBI", code))
    at, loaded = 0, 0
    while True:
        op, if_true, if_false, k = steps[at]
        at += 1
        if op == 0x20:
            (loaded,) = struct.unpack_from("<I", data, k)
        elif op == 0x54:
            loaded &= k
        elif op == 0x15:
            at += if_true if loaded == k else if_false
        elif op == 0x35:
            at += if_true if loaded >= k else if_false
        else:
            assert op == 0x06
            return int(k)


def said(arch: str, name: str, *args: int, rights: Rights = OPEN) -> int:
    number = {**FREE, **FATAL, **CHECKED}[name][ARCHES.index(arch)]
    assert number is not None
    return verdict(make_filter(arch, rights), number, *args, audit=AUDIT[arch])


@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize("rights", [OPEN, CLOSED])
def test_lists_mean_what_they_say(arch: str, rights: Rights) -> None:
    for calls, wanted in ((FREE, ALLOW), (FATAL, KILL)):
        for name, numbers in calls.items():
            if numbers[ARCHES.index(arch)] is not None:
                assert said(arch, name, rights=rights) == wanted, name


@given(
    arches, st.integers(0, 2**31 - 1) | st.integers(0, 600), st.lists(st.integers(0, 2**64 - 1), max_size=6)
)
def test_nothing_else_is_ever_allowed(arch: str, nr: int, args: list[int]) -> None:
    known = {n[ARCHES.index(arch)] for n in (*FREE.values(), *CHECKED.values())}
    found = verdict(make_filter(arch, OPEN), nr, *args, audit=AUDIT[arch])
    assert found != ALLOW or nr in known


@given(arches, st.integers(0, 600), st.sampled_from([0x40000003, *AUDIT.values()]))
def test_calls_of_other_machines_end_the_process(arch: str, nr: int, audit: int) -> None:
    if audit != AUDIT[arch]:
        assert verdict(make_filter(arch, OPEN), nr, audit=audit) == KILL
    elif arch == "x86_64":
        assert verdict(make_filter(arch, OPEN), nr | 0x40000000, audit=audit) == KILL


@given(arches, st.integers(0, 2**32 - 1))
def test_files_open_for_reading_only(arch: str, flags: int) -> None:
    writes = flags & 0o1103
    assert said(arch, "openat", 3, 0, flags) == (KILL if writes else ALLOW)
    assert said(arch, "openat", 3, 0, flags, rights=CLOSED) == ERRNO | errno.EACCES


@given(arches, st.integers(0, 2**32 - 1))
def test_only_threads_are_cloned(arch: str, flags: int) -> None:
    found = said(arch, "clone", flags)
    assert found in (ALLOW, KILL)
    if found == ALLOW:
        assert flags & 0x10900 == 0x10900
        assert not flags & 0x7E020080
    assert said(arch, "clone", flags, rights=CLOSED) != ALLOW


@pytest.mark.parametrize("arch", ARCHES)
def test_what_threads_files_and_limits_need(arch: str) -> None:
    assert said(arch, "clone", THREAD) == ALLOW
    assert said(arch, "clone", THREAD, rights=CLOSED) == ERRNO | errno.EAGAIN
    assert said(arch, "clone3") == ERRNO | errno.ENOSYS
    assert said(arch, "fcntl", 1, 3) == ALLOW
    assert said(arch, "fcntl", 1, 8) == ERRNO | errno.EPERM  # F_SETOWN
    assert said(arch, "ioctl", 1, 0x5401) == ERRNO | errno.ENOTTY
    assert said(arch, "prlimit64", 0, 7) == ALLOW
    assert said(arch, "prlimit64", 4321, 7) == KILL
    assert said(arch, "socket", 1) == ERRNO | errno.EACCES
    assert said(arch, "socket", 2) == KILL


@pytest.mark.parametrize("arch", ARCHES)
def test_no_number_stands_twice(arch: str) -> None:
    numbers = [n[ARCHES.index(arch)] for n in (*FREE.values(), *FATAL.values(), *CHECKED.values())]
    found = [n for n in numbers if n is not None]
    assert len(found) == len(set(found))
