"""The weights that an adapter stands on: found by name, and checked to be the ones it was trained on."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from stepwell.base.errors import ConfigError
from stepwell.router.tiers import weights
from stepwell.router.tiers.bundle import Bundle, file_sha256


def base_of(bundle: Bundle, named: str | None = None) -> Path | None:
    """The GGUF of a bundle's base; None where it isn't here.

    Args:
        named: By the configuration: a known name or a path, in place of the card's.

    Raises:
        ConfigError: It is another file than the adapter was trained on.
    """
    base = named or bundle.card.base
    beside = bundle.folder / Path(base).name
    path = (
        weights.find(base) or weights.find(Path(base).stem) or (beside if weights.is_gguf(beside) else None)
    )
    if path is not None and sha256_of(path) != bundle.card.base_sha256:
        raise ConfigError(
            f"{bundle.label} was trained on weights with sha256 {bundle.card.base_sha256[:12] or 'unknown'}, and "
            f"{path} has {sha256_of(path)[:12]}: name the right file as the deployment's `base`, or train again"
        )
    return path


def sha256_of(path: Path) -> str:
    """A file's content; read once, and again where the file is another one since.

    Raises:
        ConfigError: It can't be read.
    """
    try:
        stat = path.stat()
    except OSError as e:
        raise ConfigError(f"{path}: {e.strerror or type(e).__name__}") from e
    return _hashed(path, (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))


@lru_cache(maxsize=64)
def _hashed(path: Path, identity: tuple[int, ...]) -> str:
    return file_sha256(path)
