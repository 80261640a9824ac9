"""GSM8K's checkers against the verdicts of their references, gathered by tests.tools.compare_checkers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.scorers import SCORERS

# answer, and what lm-eval's flexible-extract, its strict-match and the authors' own code say where 1234 is right
TABLE = [
    ("#### 1234", 1, 1, 1),
    ("We get 7.\n#### 1,234", 1, 1, 1),
    ("#### 1234.", 1, 1, 0),
    ("#### $1,234", 1, 0, 0),
    ("####1234", 1, 0, 0),
    ("### 1234", 1, 0, 0),
    ("#### 1234.00", 0, 0, 0),
    ("#### -1234", 0, 0, 0),
    ("#### 7\n#### 1234", 1, 0, 0),
    ("#### 1234\n#### 7", 0, 1, 1),
    ("#### 1234\n\nThat is 100 % right.", 0, 1, 1),
    ("The answer is $1,234.", 1, 0, 0),
    ("\\boxed{1234}", 1, 0, 0),
    ("**1,234**", 1, 0, 0),
    ("1234 is the answer...", 0, 0, 0),
    ("1234 dollars", 1, 0, 0),
    ("1,2,3,4", 1, 0, 0),
    ("$1234.50", 0, 0, 0),
    ("١٢٣٤", 0, 0, 0),
    ("one thousand two hundred and thirty-four", 0, 0, 0),
    ("1234\0", 1, 0, 0),
    ("", 0, 0, 0),
    ("#### ", 0, 0, 0),
]


@pytest.mark.parametrize(("answer", "flexible", "strict", "authors"), TABLE)
@pytest.mark.parametrize("target", ["1234", "1,234", "617*2=<<617*2=1234>>1234\n#### 1,234"])
def test_verdicts_are_those_of_the_references(
    target: str, answer: str, flexible: int, strict: int, authors: int
) -> None:
    names = ("gsm8k", "gsm8k_strict", "gsm8k_authors")
    assert [SCORERS[name].score(answer, target) for name in names] == [flexible, strict, authors]


def test_both_of_lm_evals_figures_are_told() -> None:
    scored = SCORERS["gsm8k"].judge("It is 5.", ("5",))
    assert (scored.score, scored.parts) == (1.0, {"flexible": 1.0, "strict": 0.0})


def test_a_target_without_a_number_is_a_fault() -> None:
    assert SCORERS["gsm8k"].fault("many") is not None
    assert SCORERS["gsm8k"].fault("12") is None


@given(st.integers(-(10**9), 10**9), st.text(alphabet="abc \n", max_size=30))
def test_a_marked_number_is_right_by_all_three(n: int, prose: str) -> None:
    for written in (f"#### {n}", f"#### {n:,}"):
        for name in ("gsm8k", "gsm8k_strict", "gsm8k_authors"):
            assert SCORERS[name].score(f"{prose}\n{written}", str(n)) == 1.0
            assert SCORERS[name].score(f"{prose}\n{written}", str(n + 1)) == 0.0
