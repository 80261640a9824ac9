"""Streams, as the official client reads them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionChunk
from pydantic import BaseModel

HELLO: Any = [{"role": "user", "content": "hello"}]


class Person(BaseModel):
    name: str
    age: int


def text_of(chunks: list[ChatCompletionChunk], index: int = 0) -> str:
    found = [c for chunk in chunks for c in chunk.choices if c.index == index]
    return "".join(c.delta.content or "" for c in found)


def test_the_pieces_spell_the_answer(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="auto", messages=HELLO, stream=True))
    assert text_of(chunks) == "Hello there, friend."
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert {c.id for c in chunks} == {"chatcmpl-1"}
    assert {c.object for c in chunks} == {"chat.completion.chunk"}
    assert sum(bool(c.choices and c.choices[0].delta.content) for c in chunks) == 3


async def test_the_async_client_streams_the_same(aclient: openai.AsyncOpenAI) -> None:
    stream = await aclient.chat.completions.create(model="auto", messages=HELLO, stream=True)
    assert text_of([c async for c in stream]) == "Hello there, friend."


def test_no_usage_comes_unasked(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="auto", messages=HELLO, stream=True))
    assert all(c.usage is None for c in chunks)
    assert all(c.choices for c in chunks)


def test_usage_comes_last_and_once_where_asked_for(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="auto", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert [c.usage is not None for c in chunks] == [False] * (len(chunks) - 1) + [True]
    last = chunks[-1]
    assert last.choices == []
    assert last.usage is not None
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (11, 4)


def test_headers_are_there_before_the_first_token(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="auto", messages=HELLO, stream=True)
    headers = raw.headers
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["x-stepwell-tier"] == "standard"
    assert headers["x-stepwell-cost-kind"] == "expected"
    assert float(headers["x-stepwell-cost-usd"]) > 0
    assert text_of(list(raw.parse())) == "Hello there, friend."


def test_two_choices_stream_side_by_side(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="auto", messages=HELLO, stream=True, n=2))
    assert [text_of(chunks, i) for i in (0, 1)] == ["Hello there, friend."] * 2


def test_log_probabilities_come_with_their_deltas(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="auto", messages=HELLO, stream=True, logprobs=True))
    found = [c.choices[0].logprobs for c in chunks if c.choices and c.choices[0].delta.content]
    assert all(x is not None and x.content is not None and x.content[0].logprob == -0.25 for x in found)


def test_the_stream_helper_assembles_a_parsed_answer(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="auto", messages=HELLO, response_format=Person) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert "content.delta" in kinds
    assert final.choices[0].message.parsed == Person(name="Ada", age=36)


def test_a_stream_that_breaks_is_an_error_and_no_clean_end(client: openai.OpenAI) -> None:
    asked: Any = [{"role": "user", "content": "break"}]
    seen: list[ChatCompletionChunk] = []
    stream = client.chat.completions.create(model="auto", messages=asked, stream=True)
    with pytest.raises(openai.APIError) as caught:
        seen.extend(stream)
    assert caught.value.code == "stream_broken"
    assert all(c.choices[0].finish_reason is None for c in seen if c.choices)


def test_on_the_wire_it_ends_with_done_or_an_error_never_both(base_url: str) -> None:
    def last_lines(content: str) -> list[str]:
        body = {"model": "auto", "messages": [{"role": "user", "content": content}], "stream": True}
        answer = httpx.post(f"{base_url}/chat/completions", json=body)
        assert answer.status_code == 200
        return [line for line in answer.text.split("\n\n") if line]

    assert last_lines("hello")[-1] == "data: [DONE]"
    broken = last_lines("break")
    assert json.loads(broken[-1].removeprefix("data: "))["error"]["code"] == "stream_broken"
    assert "data: [DONE]" not in broken
