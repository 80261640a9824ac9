"""Values leave as placeholders and come back to the letter."""

from __future__ import annotations

import copy
import json
import pickle
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.guards.masks.restoring import Restoring
from stepwell.guards.masks.vault import Vault

VALUES = ("jane@example.org", "4111 1111 1111 1111", 'say "hi"\n\\n é', "[EMAIL_1]", "+44 20 7888 8577")
KINDS = ("EMAIL", "CREDIT_CARD", "IPV4", "a kind!")
FORMS = (
    "[EMAIL_1]",
    "[email 2]",
    "EMAIL_1",
    "\\[CREDIT\\_CARD\\_1\\]",
    "\\\\[EMAIL\\\\_1\\\\]",
    "[Credit-Card 1",
    "(EMAIL_2)",
    "[EMAIL1]",
    "[IPV4_1]",
    "[IPV41]",
    "[A_KIND_1]",
    "EMAIL_1 EMAIL 2]",
    "\\nEMAIL_1",
    "_1]",
    "[",
    "\\",
    "]",
    '"',
    " ",
    "EMA",
    "1",
    "x",
)
words = st.lists(
    st.sampled_from(FORMS) | st.text('[]\\_ -"{EMAILIPVX_12n', max_size=8) | st.text(max_size=4), max_size=12
)


def vault(n_values: int = len(VALUES)) -> Vault:
    made = Vault()
    for kind, value in zip(KINDS * 2, VALUES[:n_values], strict=False):
        made.mask(kind, value)
    return made


def test_equal_values_get_equal_placeholders_and_kinds_count_apart() -> None:
    made = Vault()
    assert made.is_empty
    assert made.mask("EMAIL", "a@x.io") == "[EMAIL_1]"
    assert made.mask("PHONE", "555 0100") == "[PHONE_1]"
    assert made.mask("EMAIL", "b@x.io") == "[EMAIL_2]"
    assert made.mask("EMAIL", "a@x.io") == "[EMAIL_1]"
    assert made.mask("EMAIL", "A@x.io") == "[EMAIL_3]"  # its own letters have to come back
    assert dict(made.entries) == {
        "EMAIL_1": "a@x.io",
        "PHONE_1": "555 0100",
        "EMAIL_2": "b@x.io",
        "EMAIL_3": "A@x.io",
    }


@pytest.mark.parametrize(
    ("written", "is_read_as"),
    [
        ("Mail [EMAIL_1].", "Mail a@x.io."),
        ("[EMAIL_1]'s and [EMAIL_1]s", "a@x.io's and a@x.ios"),
        ("[email_1], [ Email 1 ], [EMAIL-1], [EMAIL1]", "a@x.io, a@x.io, a@x.io, a@x.io"),
        ("(EMAIL_1) **EMAIL_1** `EMAIL_1` <EMAIL_1>", "(a@x.io) **a@x.io** `a@x.io` <a@x.io>"),
        ("\\[EMAIL_1\\] [EMAIL\\_1] EMAIL\\_1", "a@x.io a@x.io a@x.io"),
        ("[EMAIL_1, US_SSN_1] [EMAIL_1", "[a@x.io, 413-18-7830] [a@x.io"),
        ("[us ssn 1] \\[US\\_SSN\\_1\\]", "413-18-7830 413-18-7830"),
        ("[EMAIL_2] [PHONE_1] [EMAIL] [EMAIL_01]", "[EMAIL_2] [PHONE_1] [EMAIL] [EMAIL_01]"),
        (
            "MY_EMAIL_1 EMAIL_12 EMAIL_1_b email_1 f(email_1)",
            "MY_EMAIL_1 EMAIL_12 EMAIL_1_b email_1 f(email_1)",
        ),
    ],
)
def test_what_models_make_of_placeholders_is_read_where_it_is_plain(written: str, is_read_as: str) -> None:
    made = Vault()
    made.mask("EMAIL", "a@x.io")
    made.mask("US_SSN", "413-18-7830")
    assert made.restore(written) == is_read_as


def test_in_json_values_are_escaped_and_quoted() -> None:
    made = Vault()
    made.mask("NAME", 'Ann "A" O\\B\n')
    text = '{"to": "x\\n[NAME_1]", "cc": [NAME_1, NAME_1], "bcc": NAME_1, "say": "\\\\[NAME_1\\\\] \\"NAME_1\\""}'
    value = 'Ann "A" O\\B\n'
    expected = {"to": f"x\n{value}", "cc": [value, value], "bcc": value, "say": f'{value} "{value}"'}
    assert json.loads(made.restore(text, is_json=True)) == expected
    assert json.loads(made.restore(text, is_json=None)) == expected
    assert made.restore("[NAME_1]", is_json=None) == value


@settings(max_examples=200)
@given(parts=words, seed=st.integers(0, 99), is_json=st.sampled_from([True, False, None]))
def test_pieces_restore_as_the_whole_does(parts: list[str], seed: int, is_json: bool | None) -> None:
    text, made, rng = "".join(parts), vault(), random.Random(seed)
    restoring, at, out = Restoring(made, is_json=is_json), 0, []
    while at < len(text):
        n = rng.choice((1, 2, 5, 30))
        out.append(restoring.push(text[at : at + n]))
        assert restoring.n_held_chars <= 40
        at += n
    assert "".join([*out, restoring.finish()]) == made.restore(text, is_json=is_json)


@settings(max_examples=200)
@given(pieces=st.lists(st.tuples(st.sampled_from(["", *VALUES, "zz"]), words), max_size=5), seen=words)
def test_the_round_trip_gives_the_callers_text_back_whatever_he_wrote(
    pieces: list[tuple[str, list[str]]], seen: list[str]
) -> None:
    made = vault(2)  # an older part of the conversation
    texts = ["".join(seen), "".join(value + "".join(parts) for value, parts in pieces)]
    for text in texts:
        made.reserve(text)
    literal = "".join(seen)
    sent = masked_literals(made, literal)
    assert made.restore(sent) == literal
    out, back = [], []
    for value, parts in pieces:
        out += [made.mask("EMAIL", value) if value else "", masked_literals(made, "".join(parts))]
        back += [value, "".join(parts)]
    assert made.restore("|".join(out)) == "|".join(back)


def masked_literals(vault: Vault, text: str) -> str:
    out, at = [], 0
    for start, end, kind in vault.own_words(text):
        out += [text[at:start], vault.mask(kind, text[start:end])]
        at = end
    return "".join([*out, text[at:]])


def test_a_callers_own_placeholder_is_never_another_value() -> None:
    made = Vault()
    made.reserve("what is [EMAIL_1]? and (EMAIL_3), [email 4]")
    assert [made.mask("EMAIL", f"{i}@x.io") for i in range(3)] == ["[EMAIL_2]", "[EMAIL_5]", "[EMAIL_6]"]
    assert made.restore("[EMAIL_1] [EMAIL_2] EMAIL_3") == "[EMAIL_1] 0@x.io EMAIL_3"
    # later in the conversation, what reads as a value's placeholder becomes a value itself
    assert masked_literals(made, "is [EMAIL_2] me? [EMAIL_1]") == "is [EMAIL_7] me? [EMAIL_1]"
    assert made.restore("[EMAIL_7] [EMAIL_2]") == "[EMAIL_2] 0@x.io"


def test_restored_values_are_not_read_again() -> None:
    made = Vault()
    made.mask("A", "[B_1]")
    made.mask("B", "[A_1]")
    assert made.restore("[A_1][B_1]") == "[B_1][A_1]"


def test_vaults_merge_unless_a_name_means_two_things() -> None:
    made = Vault({"EMAIL_1": "a@x.io"}, reserved=["EMAIL_2"])
    made.merge({"EMAIL_1": "a@x.io", "PHONE_4": "555 0100"})
    assert made.mask("OTHER", "555 0100") == "[PHONE_4]"
    assert made.mask("EMAIL", "b@x.io") == "[EMAIL_3]"
    for wrong in ({"EMAIL_1": "c@x.io"}, {"EMAIL_2": "c@x.io"}):
        with pytest.raises(ValueError, match="stands for something else") as caught:
            made.merge(wrong)
        assert "x.io" not in str(caught.value)


def test_values_do_not_show() -> None:
    made = Vault({"EMAIL_1": "a@x.io"})
    assert repr(made) == str(made) == "Vault(1 values)"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="can't be pickled"):
            leak(made)
