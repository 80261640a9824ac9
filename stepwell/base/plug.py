"""Load what a user plugs in: by entry point, or by dotted path 'module:attribute'."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from typing import Any

from stepwell.base.errors import ConfigError

GROUPS = (
    "stepwell.policies",
    "stepwell.tiers",
    "stepwell.checks",
    "stepwell.embedders",
    "stepwell.stores",
    "stepwell.summarizers",
    "stepwell.judges",
    "stepwell.sinks",
)


def load(spec: str, *, group: str) -> Any:
    """Find the object that `spec` names.

    Args:
        spec: An entry point's name in `group`, or 'module:attribute'.
        group: One of GROUPS.

    Raises:
        ConfigError: Nothing has that name, or importing it failed (the original is __cause__).
    """
    for point in entry_points(group=group, name=spec):
        return point.load()
    module, colon, attribute = spec.partition(":")
    if not (module and colon and attribute):
        known = ", ".join(sorted(p.name for p in entry_points(group=group))) or "none installed"
        raise ConfigError(
            f"{spec!r} is not in {group} ({known}); a dotted path looks like 'package.module:name'"
        )
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as e:
        raise ConfigError(f"{spec!r} can't be loaded: {type(e).__name__}: {e}") from e
    return found
