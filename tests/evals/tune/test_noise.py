"""Noise that must not change the tier."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.messages import Message
from stepwell.evals.tune.noise import NOISES, disturbed, over_floor, over_need, share_unchanged
from stepwell.router.features import Ask
from stepwell.router.policy.base import Estimates
from stepwell.router.policy.coldstart import ColdStart
from stepwell.router.tierinfo import TierInfo
from stepwell.router.wrappers import last_ask

TIERS = [
    TierInfo(n, (n,), q, None, None, frozenset(), 1.0, None, 1.0, None, False)
    for n, q in {"standard": 0.75, "premium": 0.9}.items()
]
PROMPTS = [
    "Which of the following best describes a contract that is not valid?\nA. One\nB. Two\nC. Three",
    "What is the capital of France?",
    "Prove that there are infinitely many prime numbers.",
    "If a train leaves at 9 and travels 60 miles each hour, how many miles has it gone by 11?",
    "Write a python function that returns the largest element of a list.",
]


class Reads:
    """Picks by something that one of the noises changes."""

    name = "reads"

    def __init__(self, what: str) -> None:
        self.what = what

    async def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:
        need = {"constant": 0.0, "capitals": float(ask.text.isupper()), "length": float(ask.n_chars > 32)}[
            self.what
        ]
        return Estimates({t.name: 1.0 for t in tiers}, need=need)


@given(st.text(max_size=200), st.sampled_from(list(NOISES)), st.integers(0, 5))
def test_noise_is_the_same_for_the_same_seed(prompt: str, noise: str, seed: int) -> None:
    assert disturbed(prompt, noise, seed=seed) == disturbed(prompt, noise, seed=seed)


@pytest.mark.parametrize("noise", NOISES)
def test_each_noise_changes_the_text_but_not_the_ask(noise: str) -> None:
    for prompt in PROMPTS:
        changed = {disturbed(prompt, noise, seed=s) for s in range(8)}
        assert len(changed) > 1
        assert any(text != prompt for text in changed)


def test_typos_keep_nearly_all_letters() -> None:
    for prompt in PROMPTS:
        text = disturbed(prompt, "typos")
        assert text != prompt
        assert abs(len(text) - len(prompt)) <= 1


@given(st.integers(0, 50), st.sampled_from(PROMPTS))
def test_what_harnesses_wrap_is_unwrapped_again(seed: int, prompt: str) -> None:
    text = disturbed(prompt, "wrapping", seed=seed)
    assert prompt in text
    assert text != prompt
    assert last_ask([Message(role="user", content=text)]) == prompt


@given(st.integers(0, 50), st.sampled_from(PROMPTS))
def test_padding_and_case_keep_the_words(seed: int, prompt: str) -> None:
    assert disturbed(prompt, "padding", seed=seed).split() == prompt.split()
    assert disturbed(prompt, "case", seed=seed).lower().split() == prompt.lower().split()


def test_the_share_is_counted() -> None:
    same = share_unchanged(Reads("constant"), PROMPTS, TIERS, over_need([0.5]))
    assert same == dict.fromkeys(NOISES, 1.0)
    pick = over_need([0.5])
    shout = [share_unchanged(Reads("capitals"), PROMPTS, TIERS, pick, seed=s) for s in range(4)]
    assert min(found["case"] for found in shout) < 1
    assert {found["padding"] for found in shout} == {1.0}
    longer = share_unchanged(Reads("length"), PROMPTS, TIERS, pick)
    assert longer["paraphrase"] < 1
    assert longer["wrapping"] == 1


def test_picks() -> None:
    made = Estimates({"standard": 0.6, "premium": 0.65}, need=0.5)
    assert over_floor(TIERS, 0.6)(made) == "standard"
    assert over_floor(TIERS, 0.62)(made) == "premium"
    assert over_floor(TIERS, 0.9)(made) == "premium"
    assert [over_need(cuts)(made) for cuts in ([0.6], [0.5], [0.2, 0.4])] == ["0", "1", "2"]


@pytest.mark.parametrize("noise", ["padding", "case", "wrapping"])
def test_the_cold_start_keeps_its_tier(noise: str) -> None:
    found = share_unchanged(ColdStart(), PROMPTS, TIERS, over_floor(TIERS, 0.7))
    assert found[noise] == 1
