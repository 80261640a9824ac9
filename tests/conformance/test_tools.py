"""Tools: asked for, called, answered, streamed."""

from __future__ import annotations

import json
from typing import Any

import openai
from pydantic import BaseModel

from tests.conformance.model import Model

TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather in a city.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "unit": {"type": "string"}},
            },
        },
    }
]
ASK: Any = [{"role": "user", "content": "How warm is it in Oslo?"}]


class Weather(BaseModel):
    city: str
    unit: str


def test_a_call_comes_back(client: openai.OpenAI, model: Model) -> None:
    answer = client.chat.completions.create(
        model="auto", messages=ASK, tools=TOOLS, tool_choice="required", parallel_tool_calls=False
    )
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    call: Any = (choice.message.tool_calls or [])[0]
    assert (call.id, call.type, call.function.name) == ("call_1", "function", "weather")
    assert json.loads(call.function.arguments) == {"city": "Oslo", "unit": "C"}
    seen = model.seen[-1]
    assert (seen["tools"], seen["tool_choice"]) == (TOOLS, "required")


def test_the_result_of_a_call_goes_back(client: openai.OpenAI, model: Model) -> None:
    first = client.chat.completions.create(model="auto", messages=ASK, tools=TOOLS)
    called: Any = first.choices[0].message.model_dump(exclude_none=True)
    turns = [*ASK, called, {"role": "tool", "tool_call_id": "call_1", "content": "4 degrees"}]
    second = client.chat.completions.create(model="auto", messages=turns, tools=TOOLS)
    assert second.choices[0].message.content == "It is 4 degrees."
    assert model.seen[-1]["messages"] == turns


def test_a_streamed_call_comes_in_pieces(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="auto", messages=ASK, tools=TOOLS, stream=True))
    deltas = [c for chunk in chunks for choice in chunk.choices for c in choice.delta.tool_calls or []]
    assert deltas[0].id == "call_1"
    assert deltas[0].function is not None
    assert deltas[0].function.name == "weather"
    arguments = "".join(d.function.arguments or "" for d in deltas if d.function is not None)
    assert json.loads(arguments) == {"city": "Oslo", "unit": "C"}
    assert {d.index for d in deltas} == {0}
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


async def test_the_async_stream_helper_assembles_the_call(aclient: openai.AsyncOpenAI) -> None:
    tool = openai.pydantic_function_tool(Weather, name="weather")
    async with aclient.chat.completions.stream(model="auto", messages=ASK, tools=[tool]) as stream:
        kinds = {event.type async for event in stream}
        final = await stream.get_final_completion()
    assert "tool_calls.function.arguments.done" in kinds
    call = (final.choices[0].message.tool_calls or [])[0]
    assert call.function.parsed_arguments == Weather(city="Oslo", unit="C")
