"""One conversation in memory: what is new, what is in force, what a summarizer is given."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from stepwell.base.messages import n_leading
from stepwell.base.request import ChatRequest
from stepwell.memory.context.log.log import Name, NewTurn, Past, Summary, Turn
from stepwell.memory.context.talk import Talk

Said = dict[str, Any]


def user(text: str) -> Said:
    return {"role": "user", "content": text}


def answer(text: str) -> Said:
    return {"role": "assistant", "content": text}


def system(text: str) -> Said:
    return {"role": "system", "content": text}


CALL: Said = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
RESULT: Said = {"role": "tool", "tool_call_id": "c1", "content": "found"}


def asking(*said: Said) -> ChatRequest:
    return ChatRequest.build({"messages": list(said)})


def take(talk: Talk, *new: NewTurn) -> None:
    turns = tuple(Turn.of(talk.n_turns + i, each) for i, each in enumerate(new))
    talk.take(Past(1, talk.n_turns + len(turns), turns), lambda kept: kept)


def exchange(talk: Talk, request: ChatRequest, said: Said, at_s: float = 1.0) -> None:
    lead, sent = talk.logged(request, n_leading(request.messages))
    new = [NewTurn(bytes(raw), at_s, is_lead=True) for raw in lead]
    new += [NewTurn(bytes(raw), at_s) for raw in [*sent, Raw(msgspec.json.encode(said))]]
    take(talk, *new)


def roles(talk: Talk) -> list[str]:
    return [m.role for m in talk.thread.messages(range(len(talk.thread)))]


def in_force(talk: Talk) -> list[str]:
    return [m.text for m, _ in talk.system]


def test_a_clock_in_the_system_prompt_does_not_part_a_call_from_its_result() -> None:
    talk = Talk(Name("c"))
    history = [user("weather?")]
    exchange(talk, talk.news(asking(system("It is 10:01"), *history)), CALL, 1.0)
    history += [CALL, RESULT]
    exchange(talk, talk.news(asking(system("It is 10:02"), *history)), answer("sun"), 2.0)
    assert roles(talk) == ["user", "assistant", "tool", "assistant"]
    assert in_force(talk) == ["It is 10:02"]
    sent = talk.recent(asking(system("It is 10:03"), user("and now?")), 1).messages
    assert [m.role for m in sent] == ["system", *roles(talk), "user"]
    assert sent[0].text == "It is 10:03"


def test_a_system_prompt_is_in_force_until_another_one_heads_a_request() -> None:
    talk = Talk(Name("c"))
    exchange(talk, asking(system("A"), {"role": "developer", "content": "B"}, user("q")), answer("a"), 1.0)
    assert in_force(talk) == ["A", "B"]
    exchange(talk, asking(user("q2")), answer("a2"), 2.0)
    assert in_force(talk) == ["A", "B"]
    assert talk.logged(asking(system("A"), {"role": "developer", "content": "B"}, user("q")), 2)[0] == []
    # one that was left without an answer, too
    take(talk, NewTurn(msgspec.json.encode(user("unanswered")), 3.0))
    exchange(talk, asking(system("C"), user("q3")), answer("a3"), 4.0)
    assert in_force(talk) == ["C"]


def test_a_system_message_between_others_stays_where_it_stands() -> None:
    talk = Talk(Name("c"))
    exchange(talk, asking(user("q"), system("from now on in French"), user("q2")), answer("oui"))
    assert roles(talk) == ["user", "system", "user", "assistant"]
    assert in_force(talk) == []


def test_of_two_system_prompts_in_a_row_the_later_one_is_in_force() -> None:
    talk = Talk(Name("c"))
    take(talk, NewTurn(msgspec.json.encode(system("A")), 1.0, is_lead=True))
    take(talk, NewTurn(msgspec.json.encode(system("B")), 2.0, is_lead=True))
    assert in_force(talk) == ["B"]


def test_another_image_is_another_message() -> None:
    def photo(name: str) -> Said:
        url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{name}"}}
        return {"role": "user", "content": [{"type": "text", "text": "keep this"}, url]}

    talk = Talk(Name("c"))
    exchange(talk, asking(photo("CAT")), answer("ok"))
    again = talk.news(asking(photo("DOG"), answer("ok"), user("which?")))
    assert len(again.messages) == 3
    assert len(talk.news(asking(photo("CAT"), answer("ok"), user("which?"))).messages) == 1


def test_a_guard_on_input_does_not_double_a_history_that_is_sent_whole() -> None:
    talk, asked = Talk(Name("c")), list[Said]()
    for n in range(5):
        asked.append(user(f"{n}: a@b.com?"))
        guarded = [{**m, "content": m["content"].replace("a@b.com", "[mail]")} for m in asked]
        request = talk.news(asking(*guarded), asking(*asked))
        assert len(request.messages) == 1
        asked.append(answer(f"{n}: write to a@b.com "))
        exchange(talk, request, asked[-1])
    assert len(talk.thread) == 10
    assert "a@b.com" not in talk.thread.messages([2])[0].text


def test_an_answer_is_known_by_what_clients_keep_of_it() -> None:
    talk = Talk(Name("c"))
    made = {**answer(" yes\n"), "refusal": None, "annotations": [], "reasoning_content": "because"}
    exchange(talk, asking(user("q")), made)
    assert len(talk.news(asking(user("q"), answer("yes"), user("q2"))).messages) == 1


def test_what_follows_a_retry_is_asked_again() -> None:
    talk = Talk(Name("c"))
    exchange(talk, asking(user("q")), answer("a"))
    assert [m.text for m in talk.news(asking(user("q"))).messages] == ["q"]
    assert [m.role for m in talk.news(asking(system("only"))).messages] == ["system"]


def test_the_gist_counts_places_and_the_log_counts_turns() -> None:
    talk = Talk(Name("c"))
    assert talk.gist is None
    for n in range(3):
        exchange(talk, asking(system(f"It is {n}"), user("q")), answer("a"), float(n))
    talk.summary = Summary("They talked.", 6, "extract")  # two exchanges with their system prompts
    gist = talk.gist
    assert gist is not None
    assert (gist.upto, gist.text) == (4, "They talked.")


def test_a_summarizer_gets_the_next_turns_and_no_more() -> None:
    talk = Talk(Name("c"))
    take(talk, *(NewTurn(msgspec.json.encode(user(f"turn {n} " * 10)), float(n)) for n in range(100)))
    sizes = talk.thread.counts.about.tolist()
    found = talk.said(10, sum(sizes[10:20]))
    assert [said.seq for said in found] == [*range(10, 20)]
    assert [said.n_tokens for said in found] == sizes[10:20]
    assert found[3].message.text == "turn 13 " * 10
    assert found[3].at_s == 13.0
    assert [said.seq for said in talk.said(95, 10**6)] == [*range(95, 100)]
    assert [said.seq for said in talk.said(95, 1)] == [95]
    assert talk.said(100, 1000) == []


def test_images_count_as_memory() -> None:
    talk = Talk(Name("c"))
    url = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 1_000_000}}
    exchange(talk, asking({"role": "user", "content": [url]}), answer("ok"))
    for n in range(150):
        exchange(talk, asking(user(f"{n}")), answer("ok"))
    assert 1_000_000 < talk.n_bytes < 1_500_000


def test_it_is_of_one_epoch() -> None:
    talk = Talk(Name("c"))
    take(talk, NewTurn(msgspec.json.encode(user("q")), 1.0))
    with pytest.raises(AssertionError):
        talk.take(Past(2), lambda kept: kept)
