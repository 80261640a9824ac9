"""How a program ended, and what can keep one from running."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from stepwell.base.errors import ConfigError, StepwellError

Reason = Literal[
    "passed",  # it ran to its end and its tests held
    "failed",  # a test did not hold, or something was raised
    "syntax",  # it isn't Python
    "missing",  # what the tests call isn't there
    "unsupported",  # the tests can't run here: no Python, a module missing, objects that can't reach another process
    "exited",  # it left early
    "timeout",
    "memory",
    "output",  # it wrote too much
    "forbidden",  # it asked for files, processes, network
    "killed",  # it crashed, or was ended from outside
]
REASONS = frozenset(get_args(Reason))


class Ended(msgspec.Struct, frozen=True):
    """How one program ended.

    Attributes:
        n_output_bytes: What it wrote to stdout and stderr; the text itself is not kept.
        cpu_ms: Of the program and its tests.
    """

    reason: Reason
    n_output_bytes: int = 0
    cpu_ms: float = 0.0
    wall_ms: float = 0.0

    @property
    def passed(self) -> bool:
        return self.reason == "passed"


class SandboxUnavailable(ConfigError):
    """Programs can't be locked up on this machine, so none is run."""

    code = "sandbox_unavailable"


class SandboxFailed(StepwellError):
    """The sandbox itself broke; says nothing of the program."""

    code = "sandbox_failed"
