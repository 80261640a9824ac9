"""Exploring: rare, repeatable, and never where it could break a promise."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.router.choose import Look
from stepwell.router.explore import explores, may_explore
from stepwell.router.tierinfo import TierInfo


def look(name: str, p_ok: float, **more: Any) -> Look:
    info = TierInfo(name, (f"p/{name}",), 0.5, None, None, frozenset(), 1.0, None, 4.0, None, False)
    return Look(info, p_ok, 0.1, 0.2, **more)


LOOKS = [look("local", 0.5), look("standard", 0.8), look("premium", 0.95)]


def test_it_is_off_by_default_and_without_a_choice() -> None:
    assert explores("ask", 0.0, ["premium"]) is None
    assert explores("ask", 1.0, []) is None


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_the_share_is_held(share: float) -> None:
    n = sum(explores(f"request {i}", share, ["a", "b"]) is not None for i in range(4000))
    assert abs(n / 4000 - share) < 4 * (share * (1 - share) / 4000) ** 0.5


def test_every_allowed_tier_gets_its_part() -> None:
    tiers = [explores(f"request {i}", 1.0, ["a", "b", "c"]) for i in range(3000)]
    assert all(850 < tiers.count(t) < 1150 for t in "abc")


@given(
    key=st.text() | st.binary(), share=st.floats(0, 1), allowed=st.lists(st.sampled_from("abc"), unique=True)
)
def test_the_same_request_goes_the_same_way(key: str | bytes, share: float, allowed: list[str]) -> None:
    found = explores(key, share, allowed)
    assert found == explores(key, share, allowed)
    assert found is None or found in allowed


def test_a_larger_share_explores_the_same_requests_and_more() -> None:
    few = {i for i in range(2000) if explores(f"{i}", 0.05, ["a"])}
    assert few < {i for i in range(2000) if explores(f"{i}", 0.2, ["a"])}


def test_never_under_the_floor_nor_in_a_tool_loop() -> None:
    assert may_explore(LOOKS, "premium", min_p_ok=0.7) == ("standard",)
    assert may_explore(LOOKS, "premium", min_p_ok=0.0) == ("local", "standard")
    assert may_explore(LOOKS, "standard", min_p_ok=0.0, least=1) == ("premium",)
    assert may_explore(LOOKS, "standard", min_p_ok=0.0, is_tool_loop=True) == ()


@pytest.mark.parametrize("state", [{"bar": "window"}, {"obstacle": "over_budget"}, {"is_resting": True}])
def test_never_where_it_cannot_be_asked(state: dict[str, Any]) -> None:
    assert may_explore([LOOKS[0], look("standard", 0.8, **state)], "local", min_p_ok=0.0) == ()
