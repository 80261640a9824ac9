"""Scorers against tables made by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.extract import last_number, option_letter
from stepwell.evals.scorers import SCORERS, plain

TABLE = [
    ("exact", " Paris\n", "Paris", 1),
    ("exact", "paris", "Paris", 0),
    ("exact", "Paris.", "Paris", 0),
    ("normalised", "  *Paris*. ", "paris", 1),
    ("normalised", "“Negative”!", "negative", 1),
    ("normalised", "Not negative", "negative", 0),
    ("normalised", "ﬁne  day", "fine day", 1),
    ("normalised", "-5", "5", 0),
    ("normalised", "3.5", "35", 0),
    ("normalised", "", "x", 0),
    ("contains", "It is the City of Lisbon, I think.", "lisbon", 1),
    ("contains", "Lisbonne", "Lisbon", 0),
    ("contains", "new delhi", "New Delhi", 1),
    ("contains", "delhi, new", "New Delhi", 0),
    ("regex", "on 2026-03-23 then", r"\d{4}-\d\d-\d\d", 1),
    ("regex", "x" * 5000 + "needle", "needle", 0),
    ("regex", "abc", "^b", 0),
    ("numeric", "so it is $1,035.00.", "1035", 1),
    ("numeric", "We get 12, then 15.\n#### 18", "18", 1),
    ("numeric", "no number", "18", 0),
    ("numeric", "-7", "7", 0),
    ("numeric", "half: .5", "0.5", 1),
    ("choice", "B", "B", 1),
    ("choice", "(b)", "B", 1),
    ("choice", "The answer is (C), not (A).", "C", 1),
    ("choice", "B) Mars", "A", 0),
    ("json", '{"city": "Ludlow", "year": 1771, "more": null}', '{"city":"Ludlow","year":1771}', 1),
    ("json", '```json\n{"year": 1771.0}\n```', '{"year":1771}', 1),
    ("json", 'Here: ["a", "b"] as asked', '["a","b"]', 1),
    ("json", '["b", "a"]', '["a","b"]', 0),
    ("json", '["a", "b", "c"]', '["a","b"]', 0),
    ("json", '{"ok": 1}', '{"ok":true}', 0),
    ("json", '{"a": {"b": 2, "c": 3}}', '{"a":{"b":2}}', 1),
    ("json", '{"a": 1', "", 0),
    ("json", '{"a": 1}', "", 1),
    ("json", "[" * 100_000, "", 0),
    ("json", "no", '{"a":1}', 0),
]


@pytest.mark.parametrize(("name", "answer", "target", "score"), TABLE)
def test_scores(name: str, answer: str, target: str, score: float) -> None:
    assert SCORERS[name].fault(target) is None
    assert SCORERS[name].score(answer, target) == score


def test_every_scorer_can_say_both_yes_and_no() -> None:
    for name in dict.fromkeys(row[0] for row in TABLE):
        assert {row[3] for row in TABLE if row[0] == name} == {0, 1}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("10-3=7", "7"),
        ("from 10-3", "3"),
        ("minus: -3", "-3"),
        ("−3", "-3"),
        ("-$40", "-40"),
        ("$-40", "-40"),
        ("3,4", "4"),
        ("1,234,567", "1234567"),
        ("1{,}000 \\text{ km}", "1000"),
        ("It costs 5.", "5"),
        ("\\boxed{42}", "42"),
        ("2e3", "2000"),
        ("#### 5\nis what I got from 2 and 3", "3"),
        ("18 #### none", "18"),
        ("10:30", "30"),
        ("20 %", "20"),
        ("", None),
        ("one", None),
        ("٣", "3"),
    ],
)
def test_the_last_number(text: str, number: str | None) -> None:
    assert last_number(text) == (None if number is None else Decimal(number))


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("answer: D", "D"),
        ("Answer is **C**", "C"),
        ("I first said the answer is A, but the answer is B.", "B"),
        ("The answer is a bird (B)", "B"),
        ("$\\boxed{\\text{(E)}}$", "E"),
        ("C. because it is hot", "C"),
        ("A dog", None),
        ("I think that C fits", "C"),
        ("d", "D"),
        ("Neither", None),
        ("", None),
    ],
)
def test_the_option_letter(text: str, letter: str | None) -> None:
    assert option_letter(text) == letter


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("regex", "("),
        ("regex", "(a+)+$"),
        ("regex", "(?:(x*)y?)*z"),
        ("regex", "a" * 513),
        ("numeric", "many"),
        ("choice", "none of these"),
        ("json", "{"),
        ("contains", "..."),
    ],
)
def test_a_target_that_cannot_be_met_is_a_fault(name: str, target: str) -> None:
    fault = SCORERS[name].fault(target)
    assert fault is not None
    assert target not in fault


@given(
    st.sampled_from(sorted(n for n, s in SCORERS.items() if not s.is_async)),
    st.text(max_size=200),
    st.text(max_size=40),
)
def test_any_answer_gets_a_score(name: str, answer: str, target: str) -> None:
    scorer = SCORERS[name]
    if scorer.fault(target) is None:
        assert scorer.score(answer, target) in (0.0, 1.0)


@given(st.integers(-(10**12), 10**12), st.text(alphabet="abc ,.\n", max_size=30))
def test_a_number_is_found_however_it_is_written(n: int, prose: str) -> None:
    for written in (str(n), f"{n:,}", f"{n}.", f"{n:,}.00", f"#### {n}"):
        assert last_number(f"{prose} {written}") == n


@given(st.text(max_size=80))
def test_plain_text_stays_plain(text: str) -> None:
    assert plain(plain(text)) == plain(text)
