"""Lines taken out of files: a file is whole before and after, and what others append meanwhile stays."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

from stepwell.base.rotating import unmoved
from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.data.whole import whole_file

_MAGIC = b"\x1f\x8b"


def lines_of(path: Path) -> Iterator[bytes]:
    """A file's lines; of a packed one, too.

    Raises:
        FinetuneError: It can't be read.
    """
    try:
        with path.open("rb") as file:
            is_packed = file.peek(2)[:2] == _MAGIC
            yield from gzip.GzipFile(fileobj=file) if is_packed else file
    except (OSError, EOFError) as e:
        if path.suffix == ".part" and isinstance(e, FileNotFoundError):
            return  # of a killed command: gone, as its file was written anew
        raise FinetuneError(f"{path}: {getattr(e, 'strerror', None) or 'not a whole gzip file'}") from e


def take_out(path: Path, is_out: Callable[[bytes], bool], *, is_log: bool = False) -> int:
    """Rewrite a file without some of its lines; how many went. One without any such line is not touched.

    Args:
        is_log: Others may append to it, and move it aside.

    Raises:
        FinetuneError: It can't be read or written; it is as it was, then.
    """
    path = path.resolve()
    name = str(path)
    log = name.rpartition(".")[0] if path.suffix[1:].isdigit() else name
    with unmoved(log) if is_log else nullcontext():
        n_out = sum(map(is_out, lines_of(path)))
        if n_out:
            _rewrite(path, is_out)
        return n_out


def _rewrite(path: Path, is_out: Callable[[bytes], bool]) -> None:
    try:
        with path.open("rb") as before:
            is_packed = before.peek(2)[:2] == _MAGIC
            with whole_file(path) as after:
                if is_packed:
                    # no name and no time: the same lines give the same bytes
                    with gzip.GzipFile("", "wb", fileobj=after, mtime=0) as packed:
                        packed.writelines(line for line in gzip.GzipFile(fileobj=before) if not is_out(line))
                else:
                    after.writelines(line for line in before if not is_out(line))
            late = b"".join(line for line in before if not is_out(line))
    except OSError as e:
        raise FinetuneError(f"{path}: {e.strerror or type(e).__name__}") from e
    if late and not is_packed:
        _append(path, late)


def _append(path: Path, raw: bytes) -> None:
    """What was written to the old file after its last line was read."""
    file = os.open(path, os.O_APPEND | os.O_WRONLY)
    try:
        os.write(file, raw)
    finally:
        os.close(file)
