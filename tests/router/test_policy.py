"""The heuristic prior, and what happens to policies that are plugged in."""

import asyncio
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.errors import ConfigError
from stepwell.router.features import Ask, read_ask
from stepwell.router.policy.base import Estimates
from stepwell.router.policy.heuristic import Heuristic
from stepwell.router.policy.run import PolicyRunner, load_policy
from stepwell.router.tierinfo import TierInfo

QUALITIES = {"local": 0.12, "standard": 0.75, "premium": 0.9}
TIERS = [
    TierInfo(n, (n,), q, None, None, frozenset(), 1.0, None, 1.0, None, False) for n, q in QUALITIES.items()
]
FLOOR = 0.7


def clears(text: str) -> list[str]:
    made = Heuristic().estimate(read_ask(text), TIERS)
    return [name for name, p in made.p_ok.items() if p >= FLOOR]


@pytest.mark.parametrize(
    "text",
    [
        "Rewrite this sentence in the past tense: I walk.",
        "Classify the sentiment as positive or negative. Answer with one word. Review: 'I love it'",
    ],
)
def test_the_small_tier_clears_easy_work(text: str) -> None:
    assert clears(text) == ["local", "standard", "premium"]


@pytest.mark.parametrize(
    "text",
    [
        "What is the capital of France?",
        "What is 17 * 23?",
        "When did the Roman Republic end, and why?",
        "Translate to French: good morning",
        "Summarize: the meeting was long and nothing was decided",
        "Write a python function that reverses a list",
    ],
)
def test_ordinary_work_needs_the_middle(text: str) -> None:
    assert clears(text) == ["standard", "premium"]


@pytest.mark.parametrize(
    "text",
    [
        "Prove that the sum of two odd integers is even.",
        "Find the integral of x squared times e to the x",
        "Debug the race in this lock-free queue: ```struct node;```",
        "Analyze three database strategies:\n- must scale\n- must be cheap\n- must be safe",
    ],
)
def test_hard_work_needs_the_best(text: str) -> None:
    assert clears(text) == ["premium"]


@given(st.text(max_size=300))
def test_a_better_tier_never_looks_worse(text: str) -> None:
    p_ok = Heuristic().estimate(read_ask(text), TIERS).p_ok
    assert p_ok["local"] <= p_ok["standard"] <= p_ok["premium"]
    assert p_ok["premium"] >= FLOOR


# ---- plugging in


class Fixed:
    name = "fixed"

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:
        return Estimates({t.name: self.p for t in tiers}, ("always",), n_output_tokens=7)


class Async(Fixed):
    async def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().estimate(ask, tiers)


class Late(Fixed):
    async def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:  # type: ignore[override]
        await asyncio.sleep(3600)
        raise AssertionError


class Broken(Fixed):
    def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:
        raise RuntimeError(ask.text)


class Hung(Fixed):
    def __init__(self) -> None:
        super().__init__()
        self.release = threading.Event()
        self.n_calls = 0

    def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:
        self.n_calls += 1
        self.release.wait(60)
        return super().estimate(ask, tiers)


class Partial(Fixed):
    def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:
        return Estimates({"local": 0.5})


class Wrong(Fixed):
    def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:
        return {"local": 1.0}  # type: ignore[return-value]


class Raises:
    def __init__(self) -> None:
        raise ValueError("no")


ASK = read_ask("canary words")


@pytest.mark.parametrize("policy", [Fixed(), Async()])
async def test_a_sound_policy_is_heard(policy: Fixed) -> None:
    made = await PolicyRunner(policy, timeout_s=30).estimate(ASK, TIERS)
    assert (made.policy, made.reasons, made.n_output_tokens) == ("fixed", ("always",), 7)
    assert set(made.p_ok.values()) == {0.5}


@pytest.mark.parametrize(
    ("policy", "timeout_s", "said"),
    [
        (Late(), 0.01, "was too slow"),
        (Broken(), 30, "failed (RuntimeError)"),
        (Partial(), 30, "failed (KeyError)"),
        (Wrong(), 30, "failed (TypeError)"),
        (Fixed(1.5), 30, "failed (ValueError)"),
        (Fixed(float("nan")), 30, "failed (ValueError)"),
    ],
)
async def test_the_heuristic_stands_in_and_says_so(policy: Fixed, timeout_s: float, said: str) -> None:
    made = await PolicyRunner(policy, timeout_s=timeout_s).estimate(ASK, TIERS)
    assert made.policy == "heuristic"
    assert made.reasons[0] == f"policy fixed {said}"
    assert made.p_ok == Heuristic().estimate(ASK, TIERS).p_ok
    assert "canary" not in " ".join(made.reasons)


async def test_a_hung_policy_holds_a_few_threads_only_and_comes_back() -> None:
    policy = Hung()
    runner = PolicyRunner(policy, timeout_s=0.01)
    for _ in range(10):
        assert (await runner.estimate(ASK, TIERS)).policy == "heuristic"
    assert policy.n_calls <= 4
    policy.release.set()
    patient = PolicyRunner(policy, timeout_s=30)
    assert (await patient.estimate(ASK, TIERS)).policy == "fixed"


async def test_cancelling_the_request_cancels_the_policy() -> None:
    task = asyncio.create_task(PolicyRunner(Late(), timeout_s=60).estimate(ASK, TIERS))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_policies_load_by_name_and_dotted_path(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import types

    module = types.ModuleType("plugged_policies")
    vars(module).update(
        Fixed=Fixed, ready=Fixed(0.9), make=lambda: Fixed(0.3), Raises=Raises, odd=lambda: object()
    )
    monkeypatch.setitem(sys.modules, "plugged_policies", module)
    assert isinstance(load_policy("heuristic"), Heuristic)
    for name in ("Fixed", "ready", "make"):
        assert load_policy(f"plugged_policies:{name}").name == "fixed"
    for name in ("Raises", "odd", "absent"):
        with pytest.raises(ConfigError):
            load_policy(f"plugged_policies:{name}")
    with pytest.raises(ConfigError):
        load_policy("nobody-has-this-name")
