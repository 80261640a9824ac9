"""What an answer settles on, written one way."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.router.cascade.compare import KINDS, agree, normalise


@given(st.text(max_size=300), st.sampled_from(KINDS))
def test_a_canonical_text_reads_as_itself(text: str, kind: str) -> None:
    once = normalise(text, kind)
    if once is not None:
        assert normalise(once, kind) == once


@given(
    st.text(alphabet='0123456789.,/$ -+{}[]"\\boxedfracanswer is:e()√\n#', max_size=120),
    st.sampled_from(KINDS),
)
def test_dense_texts_read_as_themselves_too(text: str, kind: str) -> None:
    once = normalise(text, kind)
    if once is not None:
        assert normalise(once, kind) == once


@given(st.integers(-(10**9), 10**9))
def test_a_number_is_the_same_however_it_is_written(n: int) -> None:
    ways = [
        str(n),
        f"{n:,}",
        f"{n}.0",
        f"The answer is {n:,}.",
        rf"so $x = \boxed{{{n}}}$",
        f"#### {n}",
        f"{n} cm",
    ]
    assert {normalise(way, "number") for way in ways} == {str(n)}


@given(st.integers(-999, 999), st.sampled_from([1, 2, 4, 5, 8, 10, 20, 25]))
def test_equal_fractions_and_decimals_agree(above: int, below: int) -> None:
    decimal = f"{above / below}"
    latex = rf"\boxed{{{'-' if above < 0 else ''}\frac{{{abs(above)}}}{{{below}}}}}"
    assert agree([f"{above}/{below}", decimal, f"The answer is {decimal}", latex], "number")
    assert normalise(decimal, "number") == str(Fraction(above, below))


@given(st.integers(), st.integers())
def test_different_numbers_disagree(a: int, b: int) -> None:
    a, b = a % 10**20, b % 10**20
    assert agree([str(a), str(b)], "number") == (a == b)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It costs $1,250.50 in all", "2501/2"),
        ("First 3 apples, then 4: the answer is 7 because 3 + 4 = 7", "7"),
        ('{"reasoning": "12 and 13", "answer": "25"}', "25"),
        ('{"reasoning": "12 and 13, so', None),
        ("```json\n" + '{"reasoning": "9", "answer": 4}' + "\n```", "4"),
        (r"\boxed{x + 1}", r"\boxed{x+1}"),
        ("7 + √69", r"\boxed{7+√69}"),
        ("I can't tell", None),
        ("", None),
        ("1/0", None),
        ("9" * 5000, None),
        ("1e99", str(10**99)),
        ("10-3", "3"),
        ("−5", "-5"),
    ],
)
def test_numbers(text: str, expected: str | None) -> None:
    assert normalise(text, "number") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("B", "B"),
        ("b)", "B"),
        ("**C**. Because of the heat", "C"),
        ("Option A looks right, but the answer is (D).", "D"),
        (r"\boxed{\text{(B)}}", "B"),
        ('{"answer": "E"}', "E"),
        ("A dog barks", None),
        ("", None),
    ],
)
def test_letters(text: str, expected: str | None) -> None:
    assert normalise(text, "choice") == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_json_is_the_same_in_any_order_and_spacing(value: object) -> None:
    turned = json.dumps(_turned(value), indent=3)
    assert agree([json.dumps(value), turned, f"```json\n{turned}\n```"], "json")


def _turned(value: object) -> object:
    if isinstance(value, dict):
        return {k: _turned(v) for k, v in reversed(value.items())}
    return [_turned(v) for v in value] if isinstance(value, list) else value


def test_json_numbers_are_one_kind_and_broken_json_is_disagreement() -> None:
    assert agree(['{"a": 1.0}', '{"a": 1}'], "json")
    assert not agree(['{"a": 1', '{"a": 1'], "json")
    assert not agree(['{"a": true}', '{"a": 1}'], "json")


def test_outputs_and_short_answers() -> None:
    assert agree(["```\n[1, 2]\n```", "'[1, 2]'", "The output is: [1, 2]"], "code_output")
    assert not agree(["[1, 2]", "[1, 3]"], "code_output")
    assert agree(["Paris", "**paris.**", "Answer: Paris"], "short")
    assert normalise("word " * 50, "short") is None


def test_one_answer_or_an_unreadable_one_is_no_agreement() -> None:
    assert not agree(["7"], "number")
    assert not agree([], "number")
    assert not agree(["none", "none"], "number")
    with pytest.raises(KeyError):
        normalise("7", "poem")
