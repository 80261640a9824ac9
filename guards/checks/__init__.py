"""The checks that ship: every module here has `make(**options)`; its name is the check's name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any

from stepwell.base.errors import ConfigError
from stepwell.guards.check import Check


def names() -> tuple[str, ...]:
    """Names of all shipped checks, sorted."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__)))


def make(name: str, options: Mapping[str, Any]) -> Check:
    """Build a shipped check.

    Raises:
        ConfigError: It does not take one of the options.
    """
    module = importlib.import_module(f"{__name__}.{name}")
    try:
        made: Check = module.make(**options)
    except TypeError:
        raise ConfigError(f"check {name!r} does not take these options: {', '.join(options)}") from None
    return made
