"""The tree of errors: what can be caught as what, and what HTTP says."""

from __future__ import annotations

import builtins
import inspect

import pytest

from stepwell.base import errors
from stepwell.base.errors import (
    AllTiersFailed,
    RateLimited,
    StepwellError,
    TierError,
    TierTimeout,
    TierUnavailable,
)

CLASSES: list[type[StepwellError]] = [
    c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, StepwellError)
]


def test_all_are_stepwells_and_none_hides_a_builtin() -> None:
    raised = {c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, BaseException)}
    assert raised == set(CLASSES)
    assert not {c.__name__ for c in CLASSES} & set(dir(builtins))


def test_codes_are_identifiers_and_every_status_is_an_error() -> None:
    assert all(c.code.isidentifier() and c.code.islower() for c in CLASSES)
    assert all(400 <= c.status_code < 600 for c in CLASSES)


def test_the_docstring_draws_the_whole_tree() -> None:
    assert errors.__doc__ is not None
    assert [c.__name__ for c in CLASSES if c.__name__ not in errors.__doc__] == []


@pytest.mark.parametrize(
    ("last", "status"),
    [
        (RateLimited("a", tier="t", retry_after_s=3), 429),
        (TierTimeout("a", tier="t"), 504),
        (TierUnavailable("a", tier="t"), 503),
    ],
)
def test_when_all_fail_the_last_says_what_http_says(last: TierError, status: int) -> None:
    group = AllTiersFailed("all", [TierUnavailable("first", tier="s", retry_after_s=9), last])
    assert group.status_code == status
    assert group.retry_after_s == (3 if status == 429 else 9)


def test_a_group_can_be_caught_by_kind_and_stays_what_it_is() -> None:
    group = AllTiersFailed("all", [RateLimited("a", tier="t"), TierUnavailable("b", tier="u")])
    limited, rest = group.split(RateLimited)
    assert isinstance(limited, AllTiersFailed)
    assert isinstance(rest, AllTiersFailed)
    assert (len(limited.exceptions), len(rest.exceptions)) == (1, 1)
    with pytest.raises(StepwellError):
        raise group
