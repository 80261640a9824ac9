"""Locks on open files (flock(2)), gone with the process that holds them; Windows has none, and there all are had."""

from __future__ import annotations


def take(fd: int) -> bool:
    """Hold the file if nobody else does; whether it is held now."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def wait(fd: int) -> None:
    """Hold the file; blocks while another does.

    Raises:
        OSError: The file system knows no locks.
    """
    try:
        import fcntl
    except ImportError:
        return
    fcntl.flock(fd, fcntl.LOCK_EX)
