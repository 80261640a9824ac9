"""Exploring and shares through the whole house: off by default, labelled as what it is, and held over live requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepwell import Reply, Stepwell
from stepwell.testing import FakeTier
from tests.house import CHEAP, DEAR, NO_CACHE, house, read

ASKS = [f"What is the capital of country number {i}, and why?" for i in range(150)]
PROOFS = [
    f"Prove theorem {i} by induction, step by step, because {'it ' * (i % 40)}must hold." for i in range(150)
]


def well_of(tmp_path: Path, share: float, **more: Any) -> Stepwell:
    feedback = {"path": str(tmp_path / "outcomes.db"), "explore_share": share}
    return house(FakeTier("cheap"), FakeTier("dear"), feedback=feedback, **more)


def is_explored(reply: Reply) -> bool:
    assert reply.trace.route is not None
    return reply.trace.route.is_explored


async def test_nothing_is_explored_by_default(tmp_path: Path) -> None:
    async with house(FakeTier("cheap"), FakeTier("dear")) as well:
        tiers = {(await well.achat(ask)).tier for ask in ASKS}
    assert tiers == {"cheap"}


async def test_a_share_goes_elsewhere_and_its_feedback_says_so(tmp_path: Path) -> None:
    async with well_of(tmp_path, 0.2) as well:
        replies = [await well.achat(ask) for ask in ASKS]
        explored = [r for r in replies if is_explored(r)]
        assert {r.tier for r in explored} == {"dear"}
        assert {r.tier for r in replies if not is_explored(r)} == {"cheap"}
        assert len(explored) / len(ASKS) == pytest.approx(0.2, abs=0.1)
        assert all("exploring, for a label" in r.why for r in explored)
        usual = next(r for r in replies if not is_explored(r))
        await well.afeedback(explored[0].trace.request_id, 1)
        await well.afeedback(usual.trace.request_id, 0)
        assert well.outcomes is not None
        rows = list(well.outcomes.rows())
    assert [(row["scores"], row["source"]) for row in rows] == [
        ({"dear": 1.0}, "explore"),
        ({"cheap": 0.0}, "feedback"),
    ]


async def test_the_same_ask_goes_the_same_way_streamed_explained_or_asked_again(tmp_path: Path) -> None:
    async with well_of(tmp_path, 0.2) as well:
        first = [(await well.achat(ask)).tier for ask in ASKS[:40]]
        again = [(await well.achat(ask)).tier for ask in ASKS[:40]]
        explained = [(await well.aexplain(ask)).tier for ask in ASKS[:40]]
        streamed = [await read(await well.astream(ask)) for ask in ASKS[:40]]
    assert first == again == explained == streamed
    assert set(first) == {"cheap", "dear"}


async def test_never_under_the_floor(tmp_path: Path) -> None:
    well = Stepwell(
        tiers={"cheap": CHEAP | {"quality": 0.1}, "dear": DEAR},
        backends={"cheap": FakeTier("cheap"), "dear": FakeTier("dear")},
        feedback={"path": str(tmp_path / "outcomes.db"), "explore_share": 0.2},
        cache=NO_CACHE,
        promises={"min_p_ok": 0.6},
    )
    async with well:
        assert {(await well.achat(ask)).tier for ask in ASKS} == {"dear"}


async def test_a_live_share_is_held_and_told(tmp_path: Path) -> None:
    async with well_of(tmp_path, 0.0, routing={"target_share": 0.3}) as well:
        mixed = [text for two in zip(ASKS, PROOFS, strict=True) for text in two]
        before = await well.aexplain(mixed[0])
        assert await well.aexplain(mixed[0]) == before
        replies = [await well.achat(ask) for ask in mixed]
    up = [r.tier == "dear" for r in replies]
    assert sum(up) / len(up) == pytest.approx(0.3, abs=0.05)
    assert sum(up[1::2]) > sum(up[::2])  # proofs need it more
    route = replies[-1].trace.route
    assert route is not None
    assert route.budget.startswith("asked 30%")


async def test_cache_hits_are_no_part_of_the_share(tmp_path: Path) -> None:
    more: dict[str, Any] = {"routing": {"target_share": 0.3}, "cache": {"exact": True, "semantic": "off"}}
    async with well_of(tmp_path, 0.0, **more) as well:
        for _ in range(3):
            replies = [await well.achat(ask) for ask in ASKS[:30]]
        steering = well.pipeline.router._steering.share
        assert steering is not None
        assert steering.state().n == 30
    assert {r.cost_usd for r in replies} == {0.0}
