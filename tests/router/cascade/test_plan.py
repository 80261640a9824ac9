"""A cascade is planned where it is expected to pay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.router.cascade.plan import Look, Prior, plan_cascade, prospect

P = st.floats(0, 1)


@given(P, P, P, P, P, st.floats(-0.5, 0.5))
def test_a_prospect_is_a_probability_and_every_call_is_paid(
    a: float, b: float, s: float, correlation: float, same_error: float, lift: float
) -> None:
    looks = [Look("a", a, 1.0), Look("b", b, 2.0)]
    ahead = prospect(looks, Look("s", s, 10.0), Prior(correlation, same_error, lift))
    for value in (ahead.p_accept, ahead.precision, ahead.quality):
        assert -1e-9 <= value <= 1 + 1e-9
    assert ahead.cost_usd == pytest.approx(3 + (1 - ahead.p_accept) * 10)
    assert ahead.n_calls == pytest.approx(3 - ahead.p_accept)


def planned(p_cheap: float, *, price: float, prior: Prior | None = None) -> bool:
    looks = [Look("a", p_cheap, 0.1), Look("b", p_cheap, 0.1), Look("s", 0.95, 5.0)]
    return (
        plan_cascade(looks, "number", opinions=("a", "b"), strong="s", price=price, prior=prior) is not None
    )


def test_only_the_uncertain_band_is_cascaded() -> None:
    assert planned(0.6, price=0.3)
    assert not planned(0.02, price=0.3)  # straight to the strong tier
    assert not planned(0.99, price=0.3)  # one cheap call will do
    assert not planned(0.6, price=0.0)  # quality at any price


def test_a_cascade_that_was_seen_not_to_pay_is_never_planned() -> None:
    assert not planned(0.6, price=0.3, prior=Prior(pays=False))


def test_a_plan_goes_one_step_up_and_asks_more_where_dollars_count_less() -> None:
    looks = [Look("a", 0.6, 0.1), Look("b", 0.6, 0.1), Look("s", 0.95, 5.0)]
    bars = []
    for price in (0.2, 0.4):
        plan = plan_cascade(looks, "number", opinions=("a", "b"), strong="s", price=price)
        assert plan is not None
        assert (plan.opinions, plan.escalate_to, plan.kind) == (("a", "b"), ("s",), "number")
        bars.append(plan.accept_above)
    assert bars[0] > bars[1]


def test_no_plan_without_two_opinions_and_a_strong_tier() -> None:
    looks = [Look("a", 0.6, 0.1), Look("s", 0.95, 5.0)]
    assert plan_cascade(looks, "number", opinions=("a",), strong="s", price=0.3) is None
    assert plan_cascade(looks, "number", opinions=("a", "b"), strong="s", price=0.3) is None
    assert plan_cascade(looks, "number", opinions=("a", "a"), strong="x", price=0.3) is None
    assert plan_cascade(looks, "number", opinions=("a", "a"), strong="s", price=0.3) is not None
