from __future__ import annotations

import random
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import BertWordPieceTokenizer

from stepwell.base.request import Caller, ChatRequest
from stepwell.memory.cache.eligible import MAX_PIECES, is_followup, n_pieces, why_exact_only

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
]
WHOLE = [
    "How do I cancel a train ticket bought online?",
    "What is the capital city of the Netherlands?",
    "Write a function in Python to reverse a linked list",
]


@pytest.mark.parametrize("text", FOLLOWUPS)
def test_what_leans_on_history_is_a_followup(text: str) -> None:
    assert is_followup(text)


@pytest.mark.parametrize("text", WHOLE)
def test_what_stands_alone_is_none(text: str) -> None:
    assert not is_followup(text)


def ask(*messages: dict[str, Any], tenant: str | None = "t", **fields: Any) -> ChatRequest:
    return ChatRequest.build({"messages": list(messages), **fields}, Caller(tenant))


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
        (
            ask(user("Why?"), {"role": "assistant", "content": "Because"}),
            "the last message is not the user's",
        ),
        (ask(user([{"type": "text", "text": "Why?"}, IMAGE])), "not only text"),
        (ask(user(" ")), "too short or too long to embed whole"),
        (ask(user("word " * MAX_PIECES)), "too short or too long to embed whole"),
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
        if n_pieces(text) <= MAX_PIECES:
            n_compared += 1
            assert len(tokenizer.encode(text).ids) <= 256
    assert n_compared > 200
