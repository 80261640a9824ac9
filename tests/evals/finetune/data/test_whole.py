"""Files that are whole or not at all: what is left behind, and who is blamed."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.data.whole import whole_file, write_whole

_START = multiprocessing.get_context("fork")


def _in_a_child(does: Callable[[], None]) -> int:
    child = _START.Process(target=does)
    child.start()
    child.join()
    assert child.exitcode is not None
    return child.exitcode


def _die_while_writing(path: Path) -> None:
    with whole_file(path) as out:
        out.write(b"half")
        out.flush()
        os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_process_left_goes_when_the_file_is_written_next(tmp_path: Path) -> None:
    path = tmp_path / "a[1].json"
    write_whole(path, b"before")
    (tmp_path / ".other.json.1.part").write_bytes(b"of another file")
    for _ in range(2):
        assert _in_a_child(lambda: _die_while_writing(path)) == -signal.SIGKILL
    assert len(list(tmp_path.glob(".a*.part"))) == 1
    assert path.read_bytes() == b"before"
    write_whole(path, b"after")
    assert {p.name for p in tmp_path.iterdir()} == {"a[1].json", ".other.json.1.part"}
    assert path.read_bytes() == b"after"


def test_what_another_process_writes_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with whole_file(path) as out:
        out.write(b"the first one")
        assert _in_a_child(lambda: write_whole(path, b"the second one")) == 0
        assert path.read_bytes() == b"the second one"
    assert path.read_bytes() == b"the first one"
    assert {p.name for p in tmp_path.iterdir()} == {"a.json"}


def test_errors_of_who_makes_the_content_are_theirs(tmp_path: Path) -> None:
    with pytest.raises(BrokenPipeError), whole_file(tmp_path / "a.json"):
        raise BrokenPipeError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("n_bytes", [40_000, 1_001])
def test_a_full_disk_is_the_files(tmp_path: Path, n_bytes: int) -> None:
    """While it is written, or where all of it stood in memory until the end."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        with pytest.raises(FinetuneError, match=r"a\.json can't be written: File too large"):
            write_whole(tmp_path / "a.json", bytes(n_bytes))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(FinetuneError, match=r"none/a\.json can't be written: No such file"):
        write_whole(tmp_path / "none" / "a.json", b"")
