from __future__ import annotations

import random
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import BertWordPieceTokenizer

from stepwell.base.messages import Answer, Choice, Message, ToolCall
from stepwell.base.request import CacheWish, Caller, ChatRequest, Wishes
from stepwell.memory.cache.eligible import (
    MAX_GUESSED_PIECES,
    MAX_PIECES,
    is_sampled,
    may_be_cut,
    n_pieces,
    why_bypass,
    why_exact_only,
    why_not_stored,
)
from stepwell.memory.cache.followup import is_followup
from stepwell.memory.cache.invents import invents

FOLLOWUPS = [
    "And how do I cancel it?",
    "Can I do that online?",
    "Give me an example.",
    "How much does it cost for a family of four?",
    "What are the alternatives?",
    "What about for a student in the second year?",
    "Why?",
    "go on",
    "Show the same for the city of Delft please",
    "Und wie lange dauert das?",
    "他是谁？",
    "",
    "It's unclear to me, say more about how DNS resolves names",
    "How long does the train ride there take from Rotterdam",
    "So which bank has the lowest fees for students",
]
WHOLE = [
    "How do I cancel a train ticket bought online?",
    "What is the capital city of the Netherlands?",
    "Write a function in Python to reverse a linked list",
    "Why do people drink alcohol at weddings and parties?",
    "Is there a fee for sending money to the United States?",
    "Which bank charges less for sending money before Friday?",
]


@pytest.mark.parametrize("text", FOLLOWUPS)
def test_what_leans_on_history_is_a_followup(text: str) -> None:
    assert is_followup(text)


@pytest.mark.parametrize("text", WHOLE)
def test_what_stands_alone_is_none(text: str) -> None:
    assert not is_followup(text)


MADE_UP = [
    "Write a poem about autumn",
    "please write me a short, funny poem for Anna's birthday",
    "tell me a joke",
    "Give me some ideas for a party",
    "Draft an e-mail to my landlord",
    "can you come up with a good name for my dog",
    "Tell me a scary story",
]
GIVEN = [
    "Tell me the name of the river in Paris",
    "tell me what this song is called",
    "Write a function that counts each letter of a word",
    "How do I write an essay?",
    "Create a new email account",
    "Write a Python script to rename files",
    "What is the plot of this story?",
]


@pytest.mark.parametrize("text", MADE_UP)
def test_what_is_made_up_is_never_served_by_meaning(text: str) -> None:
    assert invents(text)
    assert why_exact_only(ask(user(text))) == "made up anew"


@pytest.mark.parametrize("text", GIVEN)
def test_what_there_is_already_is_not_made_up(text: str) -> None:
    assert not invents(text)
    assert why_exact_only(ask(user(text))) is None


def ask(
    *messages: dict[str, Any], tenant: str | None = "t", cache: CacheWish = True, **fields: Any
) -> ChatRequest:
    return ChatRequest.build({"messages": list(messages), **fields}, Caller(tenant), Wishes(cache=cache))


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


SYSTEM = {"role": "system", "content": "Be brief."}
IMAGE = {"type": "image_url", "image_url": {"url": "data:,"}}


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (ask(user("Why?")), None),
        (ask(SYSTEM, user("Why?")), None),
        (ask(user([{"type": "text", "text": "Why?"}])), None),
        (ask(user("hi"), user("Why?")), "follow-up"),
        (ask(user("hi"), {"role": "assistant", "content": "ho"}, user("Why?")), "follow-up"),
        (ask(user("hi"), user(WHOLE[0])), None),
        (ask(user("Why?"), tenant=None), "no tenant"),
        (ask(user("Why?"), tools=[{"type": "function"}]), "tools"),
        (ask(user("Why?"), functions=[]), "tools"),
        (ask(user("Why?"), web_search_options={}), "tools"),
        (ask(user("Why?"), cache="exact"), "the caller asked for it"),
        (ask(user("Why?"), cache="no-store"), None),
        (
            ask(user("Why?"), {"role": "assistant", "content": "Because"}),
            "the last message is not the user's",
        ),
        (ask(user([{"type": "text", "text": "Why?"}, IMAGE])), "not only text"),
        (ask(user(" ")), "too short or too long to embed whole"),
        (ask(user("word " * MAX_GUESSED_PIECES)), "too short or too long to embed whole"),
        (ask({"role": "user"}), "too short or too long to embed whole"),
    ],
)
def test_only_a_whole_text_of_a_tenant_is_compared(request_: ChatRequest, why: str | None) -> None:
    assert why_exact_only(request_) == why


@given(st.text())
def test_pieces_are_counted_for_every_text(text: str) -> None:
    n = n_pieces(text)
    assert n <= len(text)
    assert (n == 0) == (not text.strip())
    is_followup(text)


def test_no_text_that_is_compared_is_cut_by_the_embedder() -> None:
    vocabulary = str(resources.files("stepwell.base") / "minilm_vocab.txt")
    tokenizer = BertWordPieceTokenizer(vocabulary, lowercase=True)
    rng = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyzäöüß0123_-."
    n_compared = 0
    for _ in range(2000):
        alphabet, size = rng.choice([letters, letters[:26]]), rng.choice([3, 7, 700])
        words = ["".join(rng.choices(alphabet, k=size)) for _ in range(rng.randint(1, max(2, 900 // size)))]
        text = " ".join(words)
        if not may_be_cut(text):
            n_compared += 1
            assert len(tokenizer.encode(text).ids) <= 256
    assert n_compared > 200


@pytest.mark.parametrize(
    ("n_words", "why"), [(MAX_PIECES, None), (MAX_PIECES + 1, "too short or too long to embed whole")]
)
def test_an_embedder_that_shows_its_pieces_is_spared_what_it_surely_cuts(
    n_words: int, why: str | None
) -> None:
    request = ask(user("word " * n_words))
    assert why_exact_only(request, shows_pieces=True) == why
    assert why_exact_only(request) is not None


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (ask(user("hi")), None),
        (ask(user("hi"), cache="exact"), None),
        (ask(user("hi"), cache="no-store"), None),
        (ask(user("hi"), cache=False), "the caller asked for no cache"),
        (ask(user("hi"), n=2), "n > 1"),
        (ask(user("hi"), n=1), None),
        (ask(user("hi"), cache="no-sampled", temperature=0), None),
        (ask(user("hi"), cache="no-sampled"), "sampled, and the caller wants no such answer from the cache"),
    ],
)
def test_the_cache_stays_out_of_it(request_: ChatRequest, why: str | None) -> None:
    assert why_bypass(request_) == why


@pytest.mark.parametrize(
    ("fields", "sampled"),
    [
        ({}, True),
        ({"temperature": None}, True),
        ({"temperature": 0}, False),
        ({"temperature": 0.0}, False),
        ({"temperature": 0.01}, True),
        ({"temperature": 1, "seed": 7}, True),
    ],
)
def test_what_counts_as_sampled(fields: dict[str, Any], sampled: bool) -> None:
    request = ask(user("hi"), **fields)
    assert is_sampled(request) is sampled
    assert (why_bypass(request, keeps_sampled=False) is not None) is sampled
    assert why_bypass(request) is None


def answer(
    text: str | None = "fine", finish: str | None = "stop", calls: list[ToolCall] | None = None
) -> Answer:
    return Answer([Choice(Message("assistant", text, calls), finish_reason=finish)])


@pytest.mark.parametrize(
    ("given", "is_degraded", "request_", "why"),
    [
        (answer(), False, None, None),
        (answer(), False, ask(user("hi")), None),
        (answer(), False, ask(user("hi"), cache="exact"), None),
        (answer(), False, ask(user("hi"), cache="no-store"), "the caller asked for it"),
        (answer(), True, None, "degraded"),
        (answer(finish="length"), False, None, "unfinished"),
        (answer(finish="content_filter"), False, None, "unfinished"),
        (answer(finish="function_call"), False, None, "unfinished"),
        (answer(finish=None), False, None, "unfinished"),
        (answer(" \n"), False, None, "empty"),
        (answer(None), False, None, "empty"),
        (answer(calls=[ToolCall("1")]), False, None, "tool calls"),
        (Answer([]), False, None, "not one choice"),
        (Answer(answer().choices * 2), False, None, "not one choice"),
    ],
)
def test_only_one_whole_plain_answer_is_kept(
    given: Answer, is_degraded: bool, request_: ChatRequest | None, why: str | None
) -> None:
    assert why_not_stored(given, is_degraded=is_degraded, request=request_) == why
