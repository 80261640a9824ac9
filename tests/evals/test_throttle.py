"""A run sends a tier as much as it takes, and is not slowed by refusals that have nothing to do with load."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.errors import RateLimited
from stepwell.base.reply import Reply
from stepwell.evals.pacing import Pacing
from stepwell.evals.run import RunOptions, run_suite
from stepwell.evals.suite import Suite
from stepwell.evals.throttle import Throttle
from tests.evals.conftest import AddingWell

QUICK = Pacing(backoff_s=0.002, max_backoff_s=0.004, streak=10**6)


class LimitedWell(AddingWell):
    """Takes `n_places` requests at once and refuses a share of the rest at random."""

    def __init__(self, *, n_places: int = 10**6, refused_share: float = 0.0) -> None:
        super().__init__()
        self.n_places, self.refused_share = n_places, refused_share
        self.n_out = self.n_refused = self.most_out = 0
        self._random = random.Random(0)

    async def achat(self, messages: str | list[dict[str, Any]], **asks: Any) -> Reply:
        if self.n_out >= self.n_places or self._random.random() < self.refused_share:
            self.n_refused += 1
            await asyncio.sleep(0)
            raise RateLimited("busy", tier="weak", upstream_status=429)
        self.n_out += 1
        self.most_out = max(self.most_out, self.n_out)
        try:
            await asyncio.sleep(0.02)
            return await super().achat(messages, **asks)
        finally:
            self.n_out -= 1


@pytest.fixture
def many_sums() -> Suite:
    rows = (f'{{"id":"{i}","prompt":"{i} + 1","target":{i + 1},"scorer":"numeric"}}' for i in range(800))
    return Suite.parse(rows, name="many")


async def run(well: AddingWell, suite: Suite, path: Path) -> None:
    report = await run_suite(
        well, suite, tiers=["strong"], journal_path=path, options=RunOptions(concurrency=32, pacing=QUICK)
    )
    assert (report.tiers[0].n_scored, report.tiers[0].n_errors) == (len(suite.rows), 0)
    assert report.tiers[0].quality == 1.0


async def test_a_tier_with_few_places_is_not_stormed(tmp_path: Path, many_sums: Suite) -> None:
    well = LimitedWell(n_places=8)
    await run(well, many_sums, tmp_path / "j")
    # asked blindly, three of four would be refused: 2,400
    assert well.n_refused < 0.5 * len(many_sums.rows)


async def test_refusals_that_load_does_not_explain_slow_nothing_down(
    tmp_path: Path, many_sums: Suite
) -> None:
    well = LimitedWell(refused_share=0.2)
    await run(well, many_sums, tmp_path / "j")
    assert well.most_out > 24
    assert 0.15 < well.n_refused / (well.n_refused + len(many_sums.rows)) < 0.25


def played(n_places: int, share: float, *, most: int = 32, n: int = 4000) -> tuple[Throttle, float, float]:
    """A throttle after n requests; the share refused, and the mean limit, over the last half."""
    throttle, draws, refused, limits = Throttle(most), random.Random(1), 0, 0
    for k in range(n):
        while throttle.has_room:
            throttle.sent()
        was_refused = draws.random() < max(share, 1 - n_places / throttle.n_out)
        throttle.freed()
        throttle.ended(was_refused=was_refused)
        if k >= n // 2:
            refused += was_refused
            limits += throttle.limit
    return throttle, refused / (n / 2), limits / (n / 2)


@pytest.mark.parametrize("n_places", [2, 4, 8, 16])
def test_it_settles_near_what_a_tier_takes(n_places: int) -> None:
    _, refused, limit = played(n_places, 0.0)
    assert refused < 0.2
    assert 0.6 * n_places < limit < 1.4 * n_places


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_it_stays_up_where_refusals_are_chance(share: float) -> None:
    assert played(10**6, share)[2] > 0.85 * 32


@given(st.integers(1, 40), st.lists(st.booleans(), max_size=300))
def test_it_always_has_room_for_one_and_never_too_much(most: int, refusals: list[bool]) -> None:
    throttle = Throttle(most)
    for was_refused in refusals:
        while throttle.has_room:
            throttle.sent()
        assert 1 <= throttle.n_out <= most
        throttle.freed()
        throttle.ended(was_refused=was_refused)
        assert 1 <= throttle.limit <= most
