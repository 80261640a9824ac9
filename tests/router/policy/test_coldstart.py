"""The shipped cold-start policy: safe like the heuristic, finer than it, deaf to noise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.errors import ConfigError
from stepwell.router.features import read_ask
from stepwell.router.policy.base import Estimates
from stepwell.router.policy.coldstart import ColdStart
from stepwell.router.policy.heuristic import Heuristic
from stepwell.router.policy.index import SHIPPED, Index, Sign, load_index, top_reasons
from stepwell.router.policy.signs import REASONS, SIGNS, signs, without_opening
from stepwell.router.tasks import read_task
from stepwell.router.tierinfo import TierInfo

QUALITIES = {"local": 0.12, "standard": 0.75, "premium": 0.9}
TIERS = [
    TierInfo(n, (n,), q, None, None, frozenset(), 1.0, None, 1.0, None, False) for n, q in QUALITIES.items()
]
FLOOR = 0.7
POLICY = ColdStart()

TENSE = "Rewrite this sentence in the past tense: I walk."
SENTIMENT = "Classify the sentiment as positive or negative. Answer with one word. Review: 'I love it'"
VIGNETTE = (
    "A 45-year-old man is convicted of theft although the landlord said that he was not at the property. If his "
    "attorney argues that the evidence is false, which statement best describes the liability of the landlord? "
    "Assume that the court has jurisdiction, that no contract exists, and that each witness told the court the same."
)


def made(text: str) -> Estimates:
    return POLICY.estimate(read_ask(text), TIERS)


def clears(text: str) -> list[str]:
    return [name for name, p in made(text).p_ok.items() if p >= FLOOR]


def values(text: str) -> dict[str, float]:
    ask = without_opening(read_ask(text))
    return dict(zip(SIGNS, signs(ask, read_task(ask)), strict=True))


@pytest.mark.parametrize("text", [TENSE, SENTIMENT])
def test_the_local_model_gets_what_it_was_measured_on(text: str) -> None:
    assert clears(text) == ["local", "standard", "premium"]


@pytest.mark.parametrize(
    "text",
    [
        f"Please {TENSE}",
        f"Could you {SENTIMENT}",
        "Hello there, how are you?",
        "Fix the grammar: he go home",
        "What is the capital of France?",
        "What is 17 * 23?",
        "Translate to French: good morning",
        "Write a python function that reverses a list",
    ],
)
def test_simple_work_in_other_words_needs_the_middle(text: str) -> None:
    assert clears(text) == ["standard", "premium"]


@pytest.mark.parametrize(
    "text",
    [
        "Prove that the sum of two odd integers is even.",
        "Find the integral of x squared times e to the x",
        "Debug the race in this lock-free queue: ```struct node;```",
        "Analyze three database strategies:\n- must scale\n- must be cheap\n- must be safe",
        VIGNETTE,
    ],
)
def test_hard_work_needs_the_best(text: str) -> None:
    assert clears(text) == ["premium"]


def test_one_kind_of_work_is_told_apart_by_its_signs() -> None:
    easy, hard = made("Is theft a crime under this law?"), made(VIGNETTE)
    assert easy.need is not None
    assert hard.need is not None
    assert easy.need < 0.5 < 0.9 < hard.need
    assert easy.p_ok["standard"] > hard.p_ok["standard"]
    assert set(hard.reasons) & {"words of law", "who says what", "a case with people", "negations"}
    assert "few signs of work" in made("What is the capital of France?").reasons


@given(st.text(max_size=400))
def test_a_better_tier_never_looks_worse_and_the_best_is_always_good_enough(text: str) -> None:
    found = made(text)
    p_ok = found.p_ok
    assert p_ok["local"] <= p_ok["standard"] <= p_ok["premium"]
    assert p_ok["premium"] >= FLOOR
    assert found.need is not None
    assert 0 <= found.need <= 1
    assert all(reason.isascii() for reason in found.reasons)


@given(st.text(max_size=400))
def test_the_tiny_model_clears_only_where_the_heuristic_lets_it(text: str) -> None:
    if made(text).p_ok["local"] >= FLOOR:
        assert Heuristic().estimate(read_ask(text), TIERS).p_ok["local"] >= FLOOR


@given(st.sampled_from([VIGNETTE, "How many apples are left?", "Explain recursion."]), st.integers(0, 40))
def test_blanks_case_and_polite_openings_do_not_count(text: str, n: int) -> None:
    plain = made(text)
    assert made(" " * n + text.upper() + "\n" * n).need == pytest.approx(plain.need, abs=0.01)
    assert made(text.replace(" ", "  ")).need == pytest.approx(plain.need, abs=0.01)
    asked = values(f"Could you tell me: {text}")
    for name in set(REASONS) - {"kind", "sentences", "sentence_length"}:
        assert asked[name] == pytest.approx(values(text)[name])


def test_an_opening_alone_stays_an_ask() -> None:
    ask = read_ask("Could you please help me")
    assert without_opening(ask) is ask
    assert without_opening(read_ask("The quick question")).words == ["the", "quick", "question"]
    assert without_opening(read_ask("The dog sleeps")).words == ["the", "dog", "sleeps"]


def test_each_sign_grows_with_what_it_names() -> None:
    less, more = (
        values("The box is red"),
        values("The box is red, (and not 3 or 4) because he said so. If x, then y."),
    )
    for name in (
        "length",
        "sentences",
        "numbers",
        "commas",
        "brackets",
        "negation",
        "speech",
        "reasoning",
        "people",
    ):
        assert more[name] > less[name], name
    assert values("what is red")["no_lookup"] < less["no_lookup"]


@pytest.mark.parametrize("slip", ["thereofre", "theefore", "thereforee", "therrefore"])
def test_a_slip_of_the_finger_is_forgiven(slip: str) -> None:
    assert values(f"a {slip} b")["reasoning"] == values("a therefore b")["reasoning"] > 0
    assert values("a cause of angel b")["maths"] == values("a cause of angel b")["law"] == 0


def test_need_is_the_rank_among_quantiles() -> None:
    index = Index((), (0.0, 1.0, 3.0))
    assert [index.need(x) for x in (-1, 0, 0.5, 2, 3, 9)] == [0, 0, 0.25, 0.75, 1, 1]


def test_parts_are_clipped_and_rank_the_reasons() -> None:
    index = Index((Sign("length", 1.0, 2.0, 0.5), Sign("sentences", 0.0, 1.0, 1.0)), (0.0, 1.0))
    assert index.parts([3.0, 99.0]) == [0.5, 3.0]
    assert top_reasons([0.0] * (len(SIGNS) - 1) + [0.2], n=2) == (REASONS[SIGNS[-1]],)


def test_the_shipped_weights_say_where_they_come_from() -> None:
    index = load_index()
    assert all(s.weight >= 0 and s.sd > 0 for s in index.signs)
    assert all(a < b for a, b in zip(index.quantiles, index.quantiles[1:], strict=False))
    assert {"data", "command", "apgr_source_left_out"} <= set(index.card)
    licences = {str(row["licence"]).split()[0] for row in index.card["data"]}  # type: ignore[attr-defined]
    assert licences == {"Apache-2.0", "MIT"}


def test_weights_learnt_on_other_signs_are_refused(tmp_path: Path) -> None:
    other = msgspec.structs.replace(load_index(), signs=load_index().signs[1:])
    path = tmp_path / "other.json"
    path.write_bytes(msgspec.json.encode(other))
    with pytest.raises(ConfigError, match="other signs"):
        load_index(path)
    path.write_bytes(SHIPPED.read_bytes()[:100])
    with pytest.raises(ConfigError, match="can't be read"):
        load_index(path)


def test_it_serves_without_numpy() -> None:
    code = (
        "import sys; from stepwell.router.policy.coldstart import ColdStart; ColdStart(); "
        "print('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
