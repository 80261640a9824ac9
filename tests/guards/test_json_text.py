"""What is taken for JSON of a text that comes in pieces."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.decisions import Finding
from stepwell.guards.json_text import JsonText
from stepwell.guards.masks.restoring import Restoring
from stepwell.guards.masks.vault import Vault
from stepwell.guards.spans import Writer, cut_out, join

VAULT = Vault({"EMAIL_1": "ann@x.io", "NAME_1": 'Ann "A"'})
PLAIN = {
    "{name}: [EMAIL_1]": "{name}: ann@x.io",
    "{[EMAIL_1]}": "{ann@x.io}",
    "{ [NAME_1] said": '{ Ann "A" said',
    "{": "{",
    '{"a": 1} is from [NAME_1]': '{"a": 1} is from Ann "A"',
    "{} [EMAIL_1]": "{} ann@x.io",
    "{{user}} is [EMAIL_1]": "{{user}} is ann@x.io",
    'so {"a": [EMAIL_1]}': 'so {"a": ann@x.io}',
}
OBJECTS = ({"a": "[NAME_1]"}, {"a": {"}": "{[NAME_1]"}, "b": '"[NAME_1]\\'}, {"a": {}, "b": ["[EMAIL_1]"]})


@pytest.mark.parametrize("text", PLAIN)
def test_values_come_back_into_text_that_only_begins_as_json(text: str) -> None:
    assert VAULT.restore(text, is_json=None) == PLAIN[text]
    in_pieces = Restoring(VAULT, is_json=None)
    assert "".join(map(in_pieces.push, text)) + in_pieces.finish() == PLAIN[text]


@pytest.mark.parametrize("value", OBJECTS)
@pytest.mark.parametrize("known", [True, None])
@pytest.mark.parametrize("indent", [None, 2])
def test_values_come_back_into_json_as_json(value: object, known: bool | None, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    expected = json.loads(text, object_hook=lambda o: {k: restored(v) for k, v in o.items()})
    assert json.loads(VAULT.restore(text, is_json=known)) == expected
    bare = text.replace('"[EMAIL_1]"', "[EMAIL_1]")
    assert json.loads(VAULT.restore(bare, is_json=known)) == expected


def restored(value: object) -> object:
    if isinstance(value, list):
        return [restored(v) for v in value]
    return VAULT.restore(value) if isinstance(value, str) else value


def test_redaction_adds_no_quotes_to_text_that_only_begins_as_json() -> None:
    for text, expected in {
        "{name}: ann@x.io": "{name}: [EMAIL]",
        '{"a": ann@x.io}': '{"a": "[EMAIL]"}',
        '{"a": 1} ann@x.io': '{"a": 1} [EMAIL]',
    }.items():
        at = text.index("ann@")
        assert cut_out(text, join([Finding("EMAIL", at, at + 8)]), Writer()) == expected


@given(text=st.text('{}"\\ an[', max_size=12), cut=st.integers(0, 12), is_json=st.sampled_from([True, None]))
def test_where_the_text_is_cut_makes_no_difference(text: str, cut: int, is_json: bool | None) -> None:
    one, two = JsonText(is_json), JsonText(is_json)
    one.keep(text)
    two.keep(text[:cut])
    two.keep(text[cut:])
    assert one.is_json == two.is_json
    assert not one.is_json or (one.in_string, one.escape) == (two.in_string, two.escape)
