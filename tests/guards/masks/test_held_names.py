"""Names in a conversation's messages: each message read once, whatever is forgotten meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from stepwell.guards.masks import forms, held_names
from stepwell.guards.masks.held_names import HeldNames

WORDS = ["[EMAIL_1]", "[PHONE_2]", "USER_3", "plain", "[email 4]"]
NAMED = {"[EMAIL_1]": "EMAIL_1", "[PHONE_2]": "PHONE_2", "USER_3": "USER_3", "[email 4]": "EMAIL_4"}


def raw(*words: str) -> Raw:
    return Raw(
        json.dumps({"role": "user", "content": [{"type": "text", "text": " and ".join(words)}]}).encode()
    )


@given(
    st.lists(st.tuples(st.integers(0, 2), st.lists(st.sampled_from(WORDS), max_size=4)), max_size=12),
    st.integers(0, 3),
)
async def test_every_name_is_found_at_every_turn(said: list[tuple[int, list[str]]], max_names: int) -> None:
    names = HeldNames(max_names)
    held: dict[int, list[Raw]] = {0: [], 1: [], 2: []}
    expected: dict[int, set[str]] = {0: set(), 1: set(), 2: set()}
    for key, words in said:
        held[key].append(raw(*words))
        expected[key] |= {NAMED[w] for w in words if w in NAMED}
        assert await names.of(key, held[key]) == expected[key]
    assert await names.of(0, held[0], ["a pin with [IBAN_9]"]) == expected[0] | {"IBAN_9"}


async def test_a_message_is_read_once_and_a_pin_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    n_read: list[str] = []

    def names_in(text: str) -> Iterator[forms.Written]:
        n_read.append(text)
        return forms.names_in(text)

    monkeypatch.setattr(held_names, "names_in", names_in)
    names, raws = HeldNames(), [raw("[EMAIL_1]")]
    for _ in range(3):
        await names.of("c", raws, ["pin"])
    raws.append(raw("[EMAIL_2]"))
    assert await names.of("c", raws) == {"EMAIL_1", "EMAIL_2"}
    assert n_read == ["[EMAIL_1]", "pin", "pin", "pin", "[EMAIL_2]"]


async def test_two_requests_at_once_both_know_all() -> None:
    names, raws = HeldNames(), [raw("[EMAIL_1]"), raw("x" * 100_000, "[EMAIL_2]")]
    found = list(await asyncio.gather(names.of("c", raws), names.of("c", raws), names.of("c", raws[:1])))
    assert found == [{"EMAIL_1", "EMAIL_2"}, {"EMAIL_1", "EMAIL_2"}, {"EMAIL_1"}]
    assert await names.of("c", raws) == {"EMAIL_1", "EMAIL_2"}
