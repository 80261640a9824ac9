"""What every policy must keep to, ours and plugged in ones alike: they run as the router runs them."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.router.features import Ask, read_ask
from stepwell.router.policy.base import Estimates, Policy
from stepwell.router.policy.heuristic import Heuristic
from stepwell.router.policy.run import PolicyRunner
from stepwell.router.tierinfo import TierInfo

CANARY = "zq7canary"


class Always:
    """A small third-party policy."""

    name = "always"

    def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:
        return Estimates({t.name: 0.9 for t in tiers}, ("always the same",))


class Awaited:
    name = "awaited"

    async def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:
        return Estimates({t.name: min(ask.n_chars / 1000, 1.0) for t in tiers}, ("length",))


POLICIES: list[Policy] = [Heuristic(), Always(), Awaited()]


def tiers_of(n: int) -> list[TierInfo]:
    return [
        TierInfo(f"t{i}", (f"p/m{i}",), i / max(n, 1), None, None, frozenset(), 1.0, None, 1.0, None, False)
        for i in range(n)
    ]


texts = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        ["", "\0", "```" * 400, "9" * 6000, "Prove it. " * 900, "\ud800", "إكتب قصيدة", "\n- a" * 99]
    ),
)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: p.name)
@given(text=texts, n=st.integers(1, 6))
async def test_every_tier_gets_a_probability(policy: Policy, text: str, n: int) -> None:
    made = await PolicyRunner(policy, timeout_s=30).estimate(read_ask(text), tiers_of(n))
    assert made.policy == policy.name
    assert set(made.p_ok) == {f"t{i}" for i in range(n)}
    assert all(0 <= p <= 1 for p in made.p_ok.values())


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: p.name)
@given(text=texts)
async def test_the_same_ask_gets_the_same_answer(policy: Policy, text: str) -> None:
    runner = PolicyRunner(policy, timeout_s=30)
    assert await runner.estimate(read_ask(text), tiers_of(3)) == await runner.estimate(
        read_ask(text), tiers_of(3)
    )


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: p.name)
@pytest.mark.parametrize("form", ["Rewrite: {}", "Prove {}", "{}", "Classify {}: good", "What is {}?"])
async def test_reasons_are_plain_words_and_no_piece_of_the_ask(policy: Policy, form: str) -> None:
    made = await PolicyRunner(policy, timeout_s=30).estimate(read_ask(form.format(CANARY)), tiers_of(3))
    assert made.reasons
    for reason in made.reasons:
        assert reason.isascii()
        assert reason.isprintable()
        assert CANARY not in reason
