"""What a call should cost, can cost, and did cost."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.decisions import Decision, TierEstimate
from stepwell.base.errors import ConfigError
from stepwell.base.messages import PromptDetails, Usage
from stepwell.base.request import ChatRequest, Wire
from stepwell.router.cost import (
    allowed_output_tokens,
    call_cost,
    cost_of,
    expected_output_tokens,
    reserve_usd,
    with_prices,
)
from stepwell.router.tierinfo import TierInfo


def tier(
    usd_in: float | None = 2.0,
    cached: float | None = 0.5,
    usd_out: float | None = 8.0,
    most: int | None = 4096,
    is_local: bool = False,
) -> TierInfo:
    return TierInfo("t", ("p/m",), 0.5, 10_000, most, frozenset(), usd_in, cached, usd_out, None, is_local)


def wire(**fields: Any) -> Wire:
    return ChatRequest.build({"messages": [{"role": "user", "content": "x"}], **fields}).wire


def usage(n_in: int, n_out: int, n_cached: int | None = None) -> Usage:
    details = None if n_cached is None else PromptDetails(cached_tokens=n_cached)
    return Usage(n_in, n_out, n_in + n_out, details)


@pytest.mark.parametrize(
    ("spent", "cached_price", "usd"),
    [
        (usage(1_000_000, 500_000), 0.5, 6.0),
        (usage(1_000_000, 0, 600_000), 0.5, 0.4 * 2 + 0.6 * 0.5),
        (usage(1_000_000, 0, 600_000), None, 2.0),
        (usage(100, 0, 5_000_000), 0.5, 100 * 0.5e-6),  # no more can be cached than was sent
        (usage(-5, -5, -5), 0.5, 0.0),
    ],
)
def test_usage_is_priced_with_cached_tokens_apart(
    spent: Usage, cached_price: float | None, usd: float
) -> None:
    assert cost_of(spent, tier(cached=cached_price)) == pytest.approx(usd)


def test_an_unknown_price_is_never_free() -> None:
    unknown = tier(usd_in=None)
    with pytest.raises(ConfigError):
        cost_of(usage(1, 1), unknown)
    assert call_cost(unknown, 1, 1) is None
    assert with_prices(unknown, None) == unknown
    assert with_prices(unknown, 50.0).usd_per_1m_input == 50.0
    assert with_prices(unknown, 50.0).usd_per_1m_output == 8.0
    assert call_cost(with_prices(tier(None, None, None, is_local=True), 50.0), 9, 9) == 0.0


def test_outputs_follow_n_and_the_callers_limit() -> None:
    assert expected_output_tokens(100, wire()) == 100
    assert expected_output_tokens(100, wire(max_tokens=20, n=3)) == 60


@pytest.mark.parametrize(
    ("fields", "most", "reserve", "allowed"),
    [
        ({}, 4096, None, 4096),
        ({}, None, None, 9_000),
        ({}, 4096, 1024, 1024),
        ({"max_tokens": 50}, 4096, 1024, 50),
        ({"max_tokens": 9999}, 4096, None, 4096),
        ({"max_completion_tokens": 50, "n": 2}, 4096, None, 100),
    ],
)
def test_the_upper_bound_counts_every_allowed_token(
    fields: Any, most: int | None, reserve: int | None, allowed: int
) -> None:
    asked = wire(**fields)
    found = allowed_output_tokens(tier(most=most), asked, n_input_tokens=1000, reserve_tokens=reserve)
    assert found == allowed


@given(
    n_in=st.integers(0, 10**7),
    n_out=st.integers(0, 10**6),
    cached=st.integers(0, 10**7),
)
def test_no_usage_within_the_bound_costs_more(n_in: int, n_out: int, cached: int) -> None:
    most = call_cost(tier(), n_in, n_out)
    assert most is not None
    assert 0 <= cost_of(usage(n_in, n_out, cached), tier()) <= most * (1 + 1e-12)


def test_the_dearest_tier_of_the_chain_is_reserved() -> None:
    estimates = tuple(TierEstimate(n, 1.0, c / 2, c, "") for n, c in [("a", 1.0), ("b", 3.0), ("c", 9.0)])
    assert reserve_usd(Decision("a", ("a", "b"), "p", estimates)) == 3.0
