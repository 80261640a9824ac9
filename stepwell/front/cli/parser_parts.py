"""What every command's parser is made of."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from stepwell.front.cli.exits import EPILOG, VERDICTS, Exit, eval_epilog


class Parser(argparse.ArgumentParser):
    """argparse with one-line errors and the exit codes under every help."""

    def __init__(self, **given: Any) -> None:
        given.setdefault("epilog", EPILOG)
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **given)

    usage_exit = Exit.USAGE

    def error(self, message: str) -> NoReturn:
        self.exit(self.usage_exit, f"stepwell: {message} (see {self.prog} --help)\n")


def add(commands: Any, name: str, module: str, about: str) -> Parser:
    parser: Parser = commands.add_parser(name, help=about, description=about)
    parser.set_defaults(module=module)
    add_config(parser, default=argparse.SUPPRESS)  # may stand before the command, too
    return parser


def add_eval(
    actions: Any, name: str, module: str, about: str, *, exits: Mapping[int, str] = VERDICTS
) -> Parser:
    """A command that ends in a verdict: its exit code 2 says that none could be had.

    Args:
        exits: What its exit codes below 64 say.
    """
    parser = add(actions, name, module, about)
    parser.epilog = eval_epilog(exits)
    parser.usage_exit = Exit.EVAL_USAGE
    parser.set_defaults(usage_exit=Exit.EVAL_USAGE)
    return parser


def add_config(parser: Parser, *, default: Any) -> None:
    about = "default: ./stepwell.yaml where there is one, else the embedded default"
    parser.add_argument("--config", metavar="PATH", default=default, help=about)


def add_json(parser: Any) -> None:
    parser.add_argument("--json", action="store_true", help="JSON on stdout")


def folder(text: str) -> str:
    """The type of options that name a folder, there or not yet."""
    if Path(text).exists() and not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a file; name a folder")
    return text


def share(text: str) -> float:
    """The type of options 0 to 1."""
    found = _number(text)
    if not 0 <= found <= 1:
        raise argparse.ArgumentTypeError(f"want a number from 0 to 1, not {text!r}")
    return found


def usd(text: str) -> float:
    """The type of options in dollars."""
    found = _number(text)
    if not 0 <= found < math.inf:
        raise argparse.ArgumentTypeError(f"want dollars, 0 or more, not {text!r}")
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
