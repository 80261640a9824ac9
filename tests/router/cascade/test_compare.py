"""Which requests have answers that compare."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell.base.request import ChatRequest
from stepwell.router.cascade.compare import kind_of
from stepwell.router.features import last_ask, read_ask


def kind(text: str, **fields: Any) -> str | None:
    request = ChatRequest.build({"messages": [{"role": "user", "content": text}], **fields})
    return kind_of(request, read_ask(last_ask(request.messages)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How many apples are left if 3 of 12 are eaten?", "number"),
        ("What is the value of $x^2 + 1$ for $x = 3$?", "number"),
        ("Which is a metal?\nA. Iron\nB. Wood\nC. Wool", "choice"),
        ("Which is it?\n(A) this\n(B) that", "choice"),
        ("Is the sea salty? Answer yes or no.", "short"),
        ("What does this code print?\n```python\nprint(1 + 1)\n```", "code_output"),
        ("Write a poem about the sea.", None),
        ("Prove that the sum of two even numbers is even.", None),
        ("Explain how a fridge works.", None),
    ],
)
def test_the_ask_tells(text: str, expected: str | None) -> None:
    assert kind(text) == expected


def test_the_request_tells_more_than_the_ask() -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    assert kind("Write a poem.", response_format={"type": "json_object"}) == "json"
    assert kind("How many apples are 2 + 2 apples?", tools=[tool]) is None
    assert kind("How many apples are 2 + 2 apples?", n=2) is None
