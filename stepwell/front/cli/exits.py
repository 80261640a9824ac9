"""Exit codes, and which error ends in which."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from stepwell.base.errors import (
    BadKey,
    BadRequest,
    BudgetExceeded,
    ConfigError,
    GuardBlocked,
    GuardUnavailable,
    HeldForReview,
    QualityFloorUnmet,
    StepwellError,
)


class Exit(IntEnum):
    """What a shell learns from `$?`.

    Commands that end in a verdict say 0 pass, 1 regression, 2 inconclusive, 3 infrastructure, and EVAL_USAGE
    (sysexits.h's EX_USAGE) where others say USAGE.
    """

    OK = 0
    NO = 1
    USAGE = 2
    INFRASTRUCTURE = 3
    REFUSED = 4
    EVAL_USAGE = 64
    INTERRUPTED = 130
    BROKEN_PIPE = 141


EPILOG = """exit codes:
  0    done
  1    the answer is no: an eval regressed, a check failed
  2    the command line, the configuration or the request is wrong
  3    infrastructure: every tier failed, a download broke
  4    refused by a promise or a guard: budget, quality floor, block
  64   as 2, of commands whose 2 is a verdict (eval run, gate and others: see their help)
  130  interrupted by Ctrl-C
  141  the reader of a pipe went away"""


VERDICTS: Mapping[int, str] = {
    0: "pass",
    1: "regression: worse than it must be",
    2: "inconclusive: too little was seen to say, or the judge can't be trusted",
    3: "infrastructure: too many samples ended as errors",
}


_WRONG = "the command line, the configuration or a file is wrong"


def eval_epilog(own: Mapping[int, str]) -> str:
    """What stands under the help of a command of `stepwell eval`.

    Args:
        own: What the command says with its exit codes below 64.
    """
    return _epilog({**own, Exit.EVAL_USAGE: _WRONG, Exit.INTERRUPTED: "interrupted by Ctrl-C"})


def plain_epilog(own: Mapping[int, str]) -> str:
    """What stands under the help of a command that does one thing, and judges and refuses nothing.

    Args:
        own: What it says with its exit codes beside the one of wrong usage.
    """
    codes = {Exit.USAGE: _WRONG, **own, Exit.INTERRUPTED: "interrupted by Ctrl-C"}
    return _epilog(dict(sorted(codes.items())))


def _epilog(codes: Mapping[int, str]) -> str:
    return "\n".join(("exit codes:", *(f"  {int(code):<3}  {about}" for code, about in codes.items())))


class UsageError(StepwellError):
    """The command line asks for what can't be done."""

    code = "usage"


def exit_of(error: StepwellError) -> Exit:
    """The exit code that an error ends in."""
    if isinstance(error, GuardUnavailable):
        return Exit.INFRASTRUCTURE
    if isinstance(error, GuardBlocked | BudgetExceeded | QualityFloorUnmet):
        return Exit.REFUSED
    if isinstance(error, UsageError | ConfigError | BadRequest | BadKey):
        return Exit.USAGE
    return Exit.INFRASTRUCTURE


def one_line(error: BaseException) -> str:
    """What went wrong, on one line, with what each try met."""
    parts = [str(error)]
    if isinstance(error, HeldForReview):
        parts = [f"{error} (stepwell guard show {error.review_id})"]
    if isinstance(error, BaseExceptionGroup):
        parts = [error.message, *(one_line(e) for e in error.exceptions)]
    return "; ".join(line.strip() for part in parts for line in part.splitlines() if line.strip())
