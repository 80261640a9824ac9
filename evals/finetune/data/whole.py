"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from stepwell.base.errors import StepwellError


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file (mode 600) that appears at `path` once all of it is on the disk.

    Raises:
        FinetuneError: It can't be written: no such folder, no space, no permission; what was there before stays.
    """
    from stepwell.evals.finetune.data.example import FinetuneError

    fresh = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            with os.fdopen(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
    except StepwellError:
        raise
    except OSError as e:
        raise FinetuneError(f"{path} can't be written: {e.strerror or type(e).__name__}") from e


def write_whole(path: Path, data: bytes) -> None:
    """As `whole_file`, of bytes at hand.

    Raises:
        FinetuneError: As `whole_file`.
    """
    with whole_file(path) as file:
        file.write(data)
