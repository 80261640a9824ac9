"""Promoted models by name: immutable versions, and an alias that says which one serves."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import msgspec

from stepwell.base.errors import ConfigError
from stepwell.router.tiers import weights
from stepwell.router.tiers.bundle import CARD, Bundle, read_bundle

ALIASES = "aliases.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class Aliases(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which versions serve; `previous` is what a rollback goes back to, latest last."""

    champion: str = ""
    previous: tuple[str, ...] = ()


def adapters_folder() -> Path:
    """Where promoted models are kept: under STEPWELL_HOME, else in the platform's folder for a user's data."""
    home = os.environ.get("STEPWELL_HOME")
    if home:
        return Path(home).expanduser() / "adapters"
    if sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        data = Path.home() / "Library" / "Application Support"
    else:
        data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return data / "stepwell" / "adapters"


def is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def is_weights(name: str) -> bool:
    """Whether a name is that of weights: these go before whatever is promoted under it."""
    if not is_name(name):  # a path: what lies beside it is no name
        return False
    return name in weights.KNOWN or weights.is_gguf(weights.folder() / f"{name}.gguf")


def find_bundle(spec: str) -> Bundle | None:
    """The fine-tuned model that `local/<spec>` names; None where it names none, or plain weights.

    Args:
        spec: `name` (its champion), `name@version` (the version's first digits), or a bundle's folder.

    Raises:
        ConfigError: The name is known and the version is not, or the files are not what the card names.
    """
    name, _, version = spec.partition("@")
    if is_weights(spec):
        return None
    # a first version is there a moment before its alias: until then the name means what it meant
    if is_name(name) and (adapters_folder() / name / ("" if version else ALIASES)).exists():
        return read_bundle(adapters_folder() / name / _version(name, version))
    given = Path(spec).expanduser()
    return read_bundle(given) if (given / CARD).is_file() else None


def read_aliases(name: str) -> Aliases:
    """Raises:
    ConfigError: They can't be read.
    """
    path = adapters_folder() / name / ALIASES
    try:
        return msgspec.json.decode(path.read_bytes(), type=Aliases)
    except FileNotFoundError:
        return Aliases()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        raise ConfigError(f"{path}: can't be read") from None


def versions_of(name: str) -> list[str]:
    """Every version that is here, by name."""
    return sorted(p.parent.name for p in (adapters_folder() / name).glob(f"*/{CARD}"))


def _version(name: str, given: str) -> str:
    wanted = given or read_aliases(name).champion
    found = [v for v in versions_of(name) if wanted and v.startswith(wanted)]
    if len(found) != 1:
        what = f"version {given!r}" if given else "a promoted version"
        raise ConfigError(
            f"local/{name} has no such thing as {what}; `stepwell local list` shows what is here"
        )
    return found[0]
