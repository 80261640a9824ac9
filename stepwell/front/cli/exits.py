"""Exit codes, and which error ends in which."""

from __future__ import annotations

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
    """What a shell learns from `$?`."""

    OK = 0
    NO = 1
    USAGE = 2
    INFRASTRUCTURE = 3
    REFUSED = 4
    INTERRUPTED = 130
    BROKEN_PIPE = 141


EPILOG = """exit codes:
  0    done
  1    the answer is no: an eval regressed, a check failed
  2    the command line, the configuration or the request is wrong
  3    infrastructure: every tier failed, a download broke
  4    refused by a promise or a guard: budget, quality floor, block
  130  interrupted by Ctrl-C
  141  the reader of a pipe went away"""


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
