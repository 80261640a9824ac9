"""Fixtures for all tests."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

settings.register_profile("house", deadline=None)  # a test that times anything fails on a busy machine
settings.load_profile("house")

ROOT = str(Path(__file__).parents[1])
if ROOT not in sys.path:  # so that `tests.support` is found by plain `pytest` too
    sys.path.insert(0, ROOT)

if TYPE_CHECKING:
    from tests.support.served import Sections, Served
    from tests.support.upstream import Upstream


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    """The mock upstream, with a key for it in the environment."""
    from tests.support.upstream import KEY_ENV, Upstream

    monkeypatch.setenv(KEY_ENV, "sk-mock")
    with Upstream() as found:
        yield found


@pytest.fixture
def served(upstream: Upstream) -> Iterator[Callable[[Sections], Served]]:
    """Starts real servers from config sections, and stops them after the test."""
    from tests.support.served import Served

    with ExitStack() as stack:
        yield lambda values: stack.enter_context(Served(values))
