"""`stepwell`: find the command, run it, and turn what went wrong into one line and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from stepwell.base.errors import StepwellError
from stepwell.front.cli.exits import Exit, exit_of, one_line
from stepwell.front.cli.parser import make_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns its exit code. --help and usage errors raise SystemExit (argparse)."""
    _never_fail_on_a_letter()
    args = make_parser().parse_args(argv)
    try:
        command = importlib.import_module(f"stepwell.front.cli.{args.module}")
        code: int = getattr(command, getattr(args, "action", "run"))(args)
        sys.stdout.flush()
    except StepwellError as e:
        return _failed(one_line(e), _code(args, exit_of(e)))
    except KeyboardInterrupt:
        return _failed("interrupted", Exit.INTERRUPTED)
    except BrokenPipeError:
        _close_quietly()
        return Exit.BROKEN_PIPE
    except OSError as e:  # a file that the user named
        where = f"{e.filename}: " if e.filename else ""
        return _failed(f"{where}{e.strerror or type(e).__name__}", _code(args, Exit.USAGE))
    return code


def _code(args: Namespace, code: Exit) -> Exit:
    """Wrong usage has a code of its own where 2 is a verdict."""
    return getattr(args, "usage_exit", code) if code is Exit.USAGE else code


def _failed(why: str, code: Exit) -> int:
    print(f"stepwell: {why}", file=sys.stderr)
    return code


def _never_fail_on_a_letter() -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _close_quietly() -> None:
    # the interpreter flushes stdout once more as it ends
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
