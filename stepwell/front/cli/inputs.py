"""What a command is given: its configuration and its prompt."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepwell.front.cli.exits import UsageError

if TYPE_CHECKING:
    from stepwell.base.config import Config

DEFAULT_PATH = "stepwell.yaml"


def config_of(args: Namespace) -> Config:
    """The configuration of --config, else of ./stepwell.yaml, else the embedded default.

    Raises:
        ConfigError: The file is missing or wrong.
    """
    from stepwell.base.config import Config

    path = args.config or (DEFAULT_PATH if Path(DEFAULT_PATH).is_file() else None)
    return Config() if path is None else Config.from_yaml(path)


def prompt_of(args: Namespace) -> str:
    """The prompt, from stdin where it is `-`.

    Raises:
        UsageError: It is empty, or stdin is not text.
    """
    try:
        text = sys.stdin.read() if args.prompt == "-" else str(args.prompt)
    except UnicodeDecodeError:
        raise UsageError("stdin is not UTF-8 text") from None
    if not text.strip():
        raise UsageError("the prompt is empty")
    return text


def wishes_of(args: Namespace) -> dict[str, Any]:
    """What the caller asks of the router, as keyword arguments of `Stepwell.achat`."""
    names = ("model", "tier", "min_tier", "max_usd", "tenant", "below_floor", "timeout_s", "max_tokens")
    given = {name: getattr(args, name, None) for name in names}
    if getattr(args, "no_cache", False):
        given["cache"] = False
    return {name: value for name, value in given.items() if value is not None}
