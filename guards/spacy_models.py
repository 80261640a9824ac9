"""Load a spaCy model that is on this machine; spaCy is an optional extra and nothing is ever downloaded."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.base.errors import ConfigError

if TYPE_CHECKING:
    from types import ModuleType

    # not installed where nobody asks for names
    from spacy.language import Language  # type: ignore[import-not-found,unused-ignore]

_MAX_CHARS = 100_000_000
"""spaCy refuses a million; a blank model needs no memory to speak of."""


def installed(module: str, package: str) -> ModuleType:
    """Import an optional package.

    Raises:
        ConfigError: It is not installed.
    """
    if find_spec(module) is None:
        raise ConfigError(f"this check needs the package {package!r}: pip install {package}")
    return importlib.import_module(module)


def load_model(model: str | None, language: str) -> Language:
    """The model by its package's name or folder; None: a blank one, which finds no names.

    Raises:
        ConfigError: spaCy is not installed, or the model is not.
    """
    spacy = installed("spacy", "spacy")
    if model is None:
        blank = spacy.blank(language)
        blank.max_length = _MAX_CHARS
        return blank
    if not (spacy.util.is_package(model) or Path(model).is_dir()):
        raise ConfigError(f"spaCy has no model {model!r} here: python -m spacy download {model}")
    return spacy.load(model)
