"""Every error of the tree ends in the exit code that --help promises."""

from __future__ import annotations

import pytest

from stepwell.base import errors
from stepwell.base.decisions import Verdict
from stepwell.front.cli.exits import EPILOG, Exit, UsageError, exit_of, one_line
from stepwell.front.cli.fetch import WrongHash

TIMEOUT = errors.TierTimeout("too slow", tier="a")
CASES = [
    (errors.ConfigError("x"), Exit.USAGE),
    (errors.BadRequest("x"), Exit.USAGE),
    (errors.ContextTooLong("x", n_tokens=2, window_tokens=1), Exit.USAGE),
    (UsageError("x"), Exit.USAGE),
    (errors.BudgetExceeded("x", budget="request", remaining_usd=0), Exit.REFUSED),
    (errors.GuardBlocked("x", verdict=Verdict("output")), Exit.REFUSED),
    (errors.GuardUnavailable("x", verdict=Verdict("output")), Exit.INFRASTRUCTURE),
    (errors.QualityFloorUnmet("x", wanted_tier="premium"), Exit.REFUSED),
    (TIMEOUT, Exit.INFRASTRUCTURE),
    (errors.TierRefused("x", tier="a"), Exit.INFRASTRUCTURE),
    (errors.AllTiersFailed("x", [TIMEOUT]), Exit.INFRASTRUCTURE),
    (WrongHash("x"), Exit.INFRASTRUCTURE),
]


@pytest.mark.parametrize(("error", "code"), CASES, ids=lambda x: type(x).__name__)
def test_exit_of(error: errors.StepwellError, code: Exit) -> None:
    assert exit_of(error) is code


def test_every_code_is_documented() -> None:
    documented = {int(line.split()[0]) for line in EPILOG.splitlines()[1:]}
    assert documented == {int(code) for code in Exit}


def test_a_group_tells_each_try_on_one_line() -> None:
    group = errors.AllTiersFailed(
        "all failed", [TIMEOUT, errors.TierUnavailable("refused\nby peer", tier="b")]
    )
    assert one_line(group) == "all failed; too slow; refused; by peer"
