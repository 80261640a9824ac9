"""tiktoken's vocabularies, offline: litellm ships them under tiktoken's own cache names."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from stepwell.base.errors import ConfigError

if TYPE_CHECKING:
    from tiktoken import Encoding

_BASE = "o200k_base"
# sha1 of the address that tiktoken would fetch
_CACHE_NAMES = {
    "o200k_base": "fb374d419588a4632f3f557e76b4b70aebbca790",
    "cl100k_base": "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
}
_env_lock = Lock()


def encoding_for(model: str) -> Encoding:
    """The model's own encoding where it is one of OpenAI's, else o200k_base.

    The first call loads it (about 0.2 s); later ones are a dictionary look-up.

    Raises:
        ConfigError: The vocabulary is not on this machine.
    """
    return _encoding(_encoding_name(model))


def is_openai(model: str) -> bool:
    """Whether the model's own vocabulary is known."""
    return _own_encoding(model) is not None


def _encoding_name(model: str) -> str:
    return _own_encoding(model) or _BASE


@lru_cache(maxsize=1024)
def _own_encoding(model: str) -> str | None:
    from tiktoken.model import encoding_name_for_model

    try:
        name = encoding_name_for_model(model.rpartition("/")[2])
    except KeyError:
        return None
    return name if name in _CACHE_NAMES else None


@lru_cache(maxsize=len(_CACHE_NAMES))
def _encoding(name: str) -> Encoding:
    import tiktoken

    with _env_lock, _offline_vocabulary(name):
        return tiktoken.get_encoding(name)


@contextmanager
def _offline_vocabulary(name: str) -> Iterator[None]:
    """Point tiktoken at the vocabularies that litellm ships, unless the user has pointed it elsewhere."""
    if os.environ.get("TIKTOKEN_CACHE_DIR"):
        yield
        return
    os.environ["TIKTOKEN_CACHE_DIR"] = str(_vocabulary_folder(name))
    try:
        yield
    finally:
        del os.environ["TIKTOKEN_CACHE_DIR"]


def _vocabulary_folder(name: str) -> Path:
    spec = importlib.util.find_spec("litellm")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / "litellm_core_utils" / "tokenizers"
        if (folder / _CACHE_NAMES[name]).is_file():
            return folder
    raise ConfigError(
        f"The vocabulary {name} was not found in the installed litellm, and tiktoken would fetch it from the "
        "network. Install a litellm that ships it, or set TIKTOKEN_CACHE_DIR."
    )
