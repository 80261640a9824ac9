"""A history that is sent again is not kept twice."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.memory.context.reconcile import Sent, n_known, print_of, prints_of

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}


def prints(*words: str) -> list[bytes]:
    return [word.encode() for word in words]


def sent(*words: str) -> list[Sent]:
    return [{word.encode()} for word in words]


def printed(**fields: Any) -> bytes:
    return print_of(msgspec.json.encode({"role": "user", **fields}))


def calling(arguments: str, **more: Any) -> bytes:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}, **more}
    return printed(role="assistant", content=None, tool_calls=[call])


def test_all_of_it_a_part_of_it_and_none_of_it() -> None:
    held = prints("hi", "hello", "tea?", "yes")
    assert n_known(held, sent("hi", "hello", "tea?", "yes", "sugar?")) == 4
    assert n_known(held, sent("tea?", "yes", "sugar?")) == 2
    assert n_known(held, sent("sugar?")) == 0
    assert n_known([], sent("hi")) == 0


def test_the_same_words_said_again_are_new() -> None:
    assert n_known(prints("more", "a", "more", "b"), sent("more")) == 0


def test_a_request_that_is_tried_again_is_known() -> None:
    assert n_known(prints("hi", "hello", "tea?"), sent("tea?")) == 1


def test_who_goes_back_shares_the_beginning() -> None:
    held = prints("hi", "hello", "tea?", "no")
    assert n_known(held, sent("hi", "hello", "tea?")) == 3
    assert n_known(held, sent("hi", "hello", "coffee?")) == 2
    assert n_known(held, sent("hi", "other")) == 0


def test_a_message_is_known_by_any_of_its_prints() -> None:
    held = prints("hi", "[mail]", "ok")
    assert n_known(held, [{b"hi"}, {b"a@b.com", b"[mail]"}, {b"ok"}, {b"new"}]) == 3
    assert n_known(held, [{b"hi"}, {b"a@b.com"}, {b"ok"}, {b"new"}]) == 0


@given(
    st.lists(st.sampled_from("abcd"), max_size=8), st.lists(st.sampled_from("abcd"), min_size=1, max_size=4)
)
def test_what_is_appended_is_found_again(held: list[str], new: list[str]) -> None:
    n = n_known(prints(*held), sent(*held, *new))
    assert len(held) <= n <= len(held) + len(new)


@given(st.lists(st.sampled_from("ab"), max_size=9), st.lists(st.sampled_from("ab"), max_size=9))
def test_the_longest_beginning_or_end_that_is_sent_is_known(held: list[str], new: list[str]) -> None:
    ends = [n for n in range(min(len(held), len(new)) + 1) if held[len(held) - n :] == new[:n]]
    same = [n for n in range(2, min(len(held), len(new)) + 1) if held[:n] == new[:n]]
    assert n_known(prints(*held), sent(*new)) == max([*ends, *same])


def test_a_long_history_of_few_words_is_compared_in_one_pass() -> None:
    class Print(bytes):
        n = 0

        def __eq__(self, other: object) -> bool:
            Print.n += 1
            return super().__eq__(other)

        __hash__ = bytes.__hash__

    held = [Print(b"go"), Print(b"ok")] * 2000
    again = [{Print(b"go")}, {Print(b"ok")}] * 1999
    assert n_known([*held, Print(b"x"), Print(b"go")], [*again, {Print(b"y")}]) == 3998
    assert Print.n < 50_000


@pytest.mark.parametrize(
    "other",
    [
        {"content": "a", "name": None, "tool_calls": None, "audio": None},
        {"content": "  a\n"},
        {"content": [{"type": "text", "text": "a"}]},
        {"content": [{"text": " a", "type": "text", "cache_control": {"type": "ephemeral"}}]},
        {"content": "a", "annotations": [], "reasoning_content": "because"},
    ],
)
def test_what_clients_write_another_way_is_the_same(other: dict[str, Any]) -> None:
    assert printed(**other) == printed(content="a")


def test_nothing_said_is_nothing_said() -> None:
    assert printed(content=None) == printed(content="") == printed(content=[]) == printed()


def test_runs_of_blanks_are_one() -> None:
    assert printed(content="a  b\r\n c") == printed(content="a b\nc")


def test_an_image_or_a_name_tells_messages_apart() -> None:
    text = {"type": "text", "text": "see"}
    other = {"type": "image_url", "image_url": {"url": "data:image/png;base64,BBBB"}}
    sound = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    found = [
        printed(content="see"),
        printed(content=[text, IMAGE]),
        printed(content=[IMAGE, text]),
        printed(content=[text, IMAGE, IMAGE]),
        printed(content=[text, other]),
        printed(content=[text, sound]),
        printed(content=[IMAGE]),
        printed(content="see", name="ada"),
        printed(content="see", name="bob"),
        printed(role="assistant", content="see"),
        printed(role="assistant", content="see", function_call={"name": "f", "arguments": "{}"}),
        printed(role="assistant", audio={"id": "a1"}),
        printed(role="assistant", audio={"id": "a2"}),
    ]
    assert len({*found}) == len(found)


def test_a_part_is_the_same_however_its_json_is_written() -> None:
    turned = {"image_url": {"detail": "low", "url": "data:image/png;base64,AAAA"}, "type": "image_url"}
    assert printed(content=[turned]) == printed(content=[{**IMAGE, "cache_control": None}])


def test_calls_count_whatever_the_spacing_of_their_json() -> None:
    assert calling("{}") == calling("") == calling(" {} ", index=0)
    assert calling("{}") != calling('{"x":1}')
    assert calling('{"x": 1, "y": 2}') == calling('{"y":2,"x":1}')
    assert calling("{broken") != calling("{other")
    assert calling(f'{{"x": {10**40}}}') != calling(f'{{"x": {10**41}}}')
    custom = [{"id": "c1", "type": "custom", "custom": {"name": "f", "input": text}} for text in "ab"]
    assert printed(tool_calls=custom[:1]) != printed(tool_calls=custom[1:])


def test_a_name_that_a_client_gives_to_an_answer_is_harmless_but_another_one_is_not() -> None:
    def raw(**more: str) -> bytes:
        return msgspec.json.encode({"role": "assistant", "content": "yes", **more})

    assert print_of(raw()) in prints_of(raw(name="ada"))
    assert print_of(raw(name="bob")) not in prints_of(raw(name="ada"))
    user = msgspec.json.encode({"role": "user", "content": "yes", "name": "ada"})
    assert prints_of(user) == {print_of(user)}


def test_of_two_ways_to_write_it_both_count() -> None:
    raws = [msgspec.json.encode({"role": "user", "content": text}) for text in ("a@b.com", "[mail]")]
    assert prints_of(*raws) == {print_of(raw) for raw in raws}


def test_prints_are_short_for_whatever_is_sent() -> None:
    deep = b'{"role":"user","content":[{"type":"x","x":' + b"[" * 800 + b"]" * 800 + b"}]}"
    for raw in (b'{"role":"user","content":7}', b'{"role":"user","content":["a"]}', deep, b"[]", b"{"):
        assert len(print_of(raw)) == 8


def test_what_follows_the_last_answer_that_is_held_is_new_whatever_came_before() -> None:
    held = prints("q1", "a1", "q2", "a2", "q2", "a2 again")
    assert n_known(held, sent("q1", "a1", "q2", "a2 again", "q3"), answers=[1, 3]) == 4  # asked twice
    assert n_known(held, sent("q1", "a1", "q2 edited"), answers=[1]) == 2
    assert n_known(held, sent("q1", "a1", "note", "q3"), answers=[1]) == 2
    assert n_known(held, sent("q1", "a1", "q2", "lost", "q3"), answers=[1, 3]) == 2
    assert n_known(held, sent("q0", "a0", "q3"), answers=[1]) == 0
    assert n_known(held, sent("a2 again", "q3"), answers=[0]) == 1


def test_the_same_answer_to_something_else_is_not_known() -> None:
    held = prints("keep this cat", "ok", "q", "ok")
    assert n_known(held, sent("keep this dog", "ok", "which?"), answers=[1]) == 0


@given(st.lists(st.tuples(st.sampled_from(["ask", "retry", "edit", "note"]), st.integers(0, 9)), max_size=10))
def test_a_client_with_all_of_it_adds_only_what_is_new_whatever_it_edits(
    turns: list[tuple[str, int]],
) -> None:
    held: list[str] = []
    client: list[list[str]] = []  # exchanges, as the client has them
    n_said = 0
    for turn, (how, cut) in enumerate(turns):
        if how == "edit":
            client = client[: cut % (len(client) + 1)]
        new = [*(["note"] if how == "note" else []), f"q{turn}"]
        for n in range(2 if how == "retry" else 1):  # of two answers the client sees the second
            asked = [*(text for exchange in client for text in exchange), *new]
            answers = [i for i, text in enumerate(asked) if text[0] == "a"]
            known = n_known(prints(*held), sent(*asked), answers)
            held += [*asked[min(known, len(asked) - 1) :], f"a{turn}.{n}"]
            n_said += len(new) + 1
        client.append([*new, held[-1]])
    assert len(held) <= n_said
