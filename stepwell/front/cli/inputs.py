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
Prices = dict[str, tuple[float, float]]


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


def prices_of(given: str | None) -> Prices:
    """`a=0.1/0.4,b=2.5/10`: USD per 1M tokens read and written; one number counts for both.

    Raises:
        UsageError: It reads otherwise.
    """
    found: Prices = {}
    for part in given.split(",") if given else ():
        name, _, price = part.partition("=")
        usd_in, _, usd_out = price.partition("/")
        try:
            found[name.strip()] = (float(usd_in), float(usd_out or usd_in))
        except ValueError:
            raise UsageError(f"--prices: {part!r} is not NAME=USD_IN/USD_OUT") from None
    return found
