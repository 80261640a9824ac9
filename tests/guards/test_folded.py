"""Values are found behind characters that only look different."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.guards import checks
from stepwell.guards.folded import find_folded


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("credit_card", "４１１１ 1111 1111 1111"),
        ("credit_card", "4111\u200b1111\u200b1111\u200b1111"),
        ("email", "ja\u200bne@exam\u00adple.org"),
        ("email", "ｊａｎｅ＠ｅｘａｍｐｌｅ．ｏｒｇ"),
        ("us_ssn", "𝟺𝟷𝟹-𝟷𝟾-𝟽𝟾𝟹𝟶"),
        ("iban", "GB82\u2060WEST 1234 5698 7654 32"),
        ("credit_card", "".join(chr(0xE0000 + ord(c)) for c in "4111111111111111")),
    ],
)
def test_finds_the_disguised_value_whole(name: str, value: str) -> None:
    text = f"so: {value}, yes"
    found = find_folded(checks.make(name, {}).find, text)
    assert [text[f.start : f.end] for f in found] == [value]


def test_an_invisible_character_before_a_value_does_not_hide_it() -> None:
    text = "card\u200b4111 1111 1111 1111"
    assert [text[f.start : f.end] for f in find_folded(checks.make("credit_card", {}).find, text)] == [
        text[5:]
    ]


@given(
    st.lists(st.sampled_from(["a@x.io", "\u200b", "４", "4111 1111 1111 1111", " ", "é", "ﬁ", "."])).map(
        "".join
    )
)
def test_spans_lie_in_the_text_and_plain_findings_stay(text: str) -> None:
    for name in ("email", "credit_card"):
        check = checks.make(name, {})
        found = find_folded(check.find, text)
        assert all(0 <= f.start < f.end <= len(text) for f in found)
        assert {(f.start, f.end) for f in check.find(text)} <= {(f.start, f.end) for f in found}
