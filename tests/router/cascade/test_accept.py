"""What opinions come to without labels."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from stepwell.router.cascade.accept import AcceptScore, Opinion, pick, read_opinion
from stepwell.router.cascade.signs import signs_of
from stepwell.router.cascade.style import STYLE, style_of
from stepwell.router.features import read_ask

ASK = read_ask("How many apples?")
ANSWERS = st.lists(st.sampled_from(["1", "2", "3", None]), min_size=2, max_size=5)


def opinions(*answers: str | None) -> list[Opinion]:
    return [Opinion(f"t{i}", a, 10 * i) for i, a in enumerate(answers)]


def need(*answers: str | None) -> float:
    return AcceptScore().judge(opinions(*answers), ASK).need


@given(ANSWERS)
def test_only_what_two_say_is_accepted(answers: list[str | None]) -> None:
    verdict = AcceptScore().judge(opinions(*answers), ASK, accept_above=0.0)
    served = verdict.served
    assert 0 <= verdict.p_accept <= 1
    assert 0 <= verdict.need <= 1
    assert verdict.is_accepted == (served is not None)
    if served is None:
        assert all(a is None or answers.count(a) == 1 for a in answers)
    else:
        assert answers[served] is not None
        assert answers.count(answers[served]) == max(answers.count(a) for a in answers if a is not None)
        assert answers.index(answers[served]) == served
    assert verdict.is_unanimous == (len(set(answers)) == 1 and answers[0] is not None)


def test_need_rises_as_support_falls() -> None:
    assert need("1", "1", "1") < need("1", "1", "2") < need("1", "2", "3") < need("1", "2", "2")
    assert need("1", "1") < need("1", "2") < need(None, "2")
    assert need("1", "1", "1") < need("1", "1")


def test_a_harder_ask_needs_more_and_the_bar_counts() -> None:
    easy = AcceptScore().judge(opinions("1", "1"), ASK, 0.0)
    hard = AcceptScore().judge(opinions("1", "1"), ASK, 1.0, accept_above=0.99)
    assert hard.need > easy.need
    assert hard.p_accept < easy.p_accept == AcceptScore().score(opinions("1", "1"), ASK, 0.0)
    assert (easy.why, hard.why, hard.is_accepted) == ("agree", "low_confidence", False)


def test_reasons() -> None:
    def why(*answers: str | None) -> str:
        return AcceptScore().judge(opinions(*answers), ASK, accept_above=0.1).why

    assert why("1", "1", "2") == "majority"
    assert why("1", "2") == "disagree"
    assert why(None, None) == "unreadable"
    assert pick(opinions("2", "1", "1", "2")) == 0


@given(st.text(max_size=400))
def test_an_opinion_keeps_counts_and_no_text(text: str) -> None:
    opinion = read_opinion("small", text, "number")
    assert opinion.n_chars == len(text)
    assert len(opinion.style) == len(STYLE) == len(style_of(text))
    assert all(isinstance(v, float) for v in opinion.style)


@given(ANSWERS, st.integers(0, 5000))
def test_signs_are_finite_and_as_many_for_the_same_number_of_opinions(
    answers: list[str | None], n: int
) -> None:
    row = signs_of(opinions(*answers), read_ask("x" * n))
    assert len(row) == len(signs_of(opinions(*["7"] * len(answers)), ASK))
    assert all(abs(v) < 1e6 for v in row)


def test_the_rule_loads_no_numpy() -> None:
    code = "import stepwell.router.cascade.accept, sys; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
