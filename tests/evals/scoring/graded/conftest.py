"""A well with a judge of known behaviour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from stepwell import Stepwell
from stepwell.testing import FakeTier

TIERS: dict[str, Any] = {
    name: {"model": f"fake/{name}", "usd_per_1m_input": 1, "usd_per_1m_output": 2, "quality": 0.95}
    for name in ("weak", "strong", "judge")
}
# the runs' own patience is under test, not the well's
DISPATCH = {"max_retries": 0, "failures_before_cooldown": 10_000, "cooldown_s": 0}


@pytest.fixture
def court() -> Callable[..., Stepwell]:
    """Makes wells: `court(judge=FakeTier(...), weak=..., models={"judge": "fake/other"})`."""

    def make(models: Mapping[str, str] | None = None, **backends: FakeTier) -> Stepwell:
        every = {name: backends.get(name, FakeTier(name)) for name in TIERS}
        return Stepwell(
            tiers={
                name: {**of, "model": (models or {}).get(name, of["model"])} for name, of in TIERS.items()
            },
            backends=every,
            dispatch=DISPATCH,
            cache={"semantic": "off"},
            guards={"input": [], "output": []},
        )

    return make
