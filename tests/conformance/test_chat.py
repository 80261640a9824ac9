"""Whole answers, as the official client reads them."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.conformance.model import Model

HELLO: Any = [{"role": "user", "content": "hello"}]


class Person(BaseModel):
    name: str
    age: int


def test_an_answer_has_every_field_that_the_upstream_sent(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="auto", messages=HELLO)
    choice = answer.choices[0]
    assert answer.object == "chat.completion"
    assert (choice.message.role, choice.message.content) == ("assistant", "Hello there, friend.")
    assert choice.finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (
        11,
        4,
        15,
    )
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 3
    assert (answer.system_fingerprint, answer.service_tier) == ("fp_1", "default")


async def test_the_async_client_gets_the_same(aclient: openai.AsyncOpenAI) -> None:
    answer = await aclient.chat.completions.create(model="auto", messages=HELLO)
    assert answer.choices[0].message.content == "Hello there, friend."


def test_headers_say_who_answered_at_what_cost_and_why(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="auto", messages=HELLO)
    headers = raw.headers
    assert headers["x-stepwell-tier"] == "standard"
    assert headers["x-stepwell-model"] == "mock/talker"
    # 11 - 3 cached tokens in, 4 out; a cached token without a price of its own costs as any other
    assert float(headers["x-stepwell-cost-usd"]) == pytest.approx(11e-6 + 4 * 2e-6)
    assert headers["x-stepwell-cache"] == "off"
    assert headers["x-stepwell-why"].startswith("standard by ")
    assert 0 <= float(headers["x-stepwell-p-ok"]) <= 1
    assert raw.request_id == headers["x-request-id"] != ""


def test_fields_go_upstream_as_they_were_written(client: openai.OpenAI, model: Model) -> None:
    sent: dict[str, Any] = {
        "seed": 42,
        "stop": ["\n\n", "END"],
        "temperature": 0.5,
        "top_p": 0.25,
        "user": "ada",
        "max_completion_tokens": 77,
        "frequency_penalty": -1.5,
        "logit_bias": {"50256": -100},
        "metadata": {"k": "v"},
        "store": False,
        "parallel_tool_calls": True,
    }
    unknown = {"top_k": 5, "min_p": 0.05, "vendor_option": {"deep": [1, {"x": None}], "big": 2**53 + 1}}
    client.chat.completions.create(model="auto", messages=HELLO, extra_body=unknown, **sent)
    seen = model.seen[-1]
    assert {k: seen[k] for k in [*sent, *unknown]} == {**sent, **unknown}


def test_n_gives_that_many_choices(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="auto", messages=HELLO, n=2)
    assert [c.index for c in answer.choices] == [0, 1]


def test_log_probabilities_come_through(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="auto", messages=HELLO, logprobs=True)
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert (logprobs.content[0].token, logprobs.content[0].logprob) == ("Hello", -0.25)


def test_a_json_object_is_asked_for_and_given(client: openai.OpenAI, model: Model) -> None:
    answer = client.chat.completions.create(
        model="auto", messages=HELLO, response_format={"type": "json_object"}
    )
    assert Person.model_validate_json(answer.choices[0].message.content or "") == Person(name="Ada", age=36)
    assert model.seen[-1]["response_format"] == {"type": "json_object"}


def test_parse_reads_an_answer_into_a_model(client: openai.OpenAI, model: Model) -> None:
    answer = client.chat.completions.parse(model="auto", messages=HELLO, response_format=Person)
    assert answer.choices[0].message.parsed == Person(name="Ada", age=36)
    schema = model.seen[-1]["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert set(schema["schema"]["properties"]) == {"name", "age"}


async def test_parse_works_asynchronously(aclient: openai.AsyncOpenAI) -> None:
    answer = await aclient.chat.completions.parse(model="auto", messages=HELLO, response_format=Person)
    assert answer.choices[0].message.parsed == Person(name="Ada", age=36)


def test_content_parts_with_an_image_go_upstream_verbatim(client: openai.OpenAI, model: Model) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}
    parts: Any = [{"type": "text", "text": "What is this?"}, image]
    client.chat.completions.create(model="auto", messages=[{"role": "user", "content": parts}])
    assert model.seen[-1]["messages"] == [{"role": "user", "content": parts}]


@pytest.mark.parametrize(
    ("name", "tier"), [("premium", "premium"), ("mock/thinker", "premium"), ("talker", "standard")]
)
def test_a_tiers_or_models_name_pins_it(client: openai.OpenAI, name: str, tier: str) -> None:
    raw = client.chat.completions.with_raw_response.create(model=name, messages=HELLO)
    assert raw.headers["x-stepwell-tier"] == tier


def test_a_header_pins_a_tier(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="auto", messages=HELLO, extra_headers={"x-stepwell-tier": "premium"}
    )
    assert raw.headers["x-stepwell-tier"] == "premium"


def test_roles_and_names_go_upstream_verbatim(client: openai.OpenAI, model: Model) -> None:
    turns: Any = [
        {"role": "developer", "content": "Be brief."},
        {"role": "system", "content": [{"type": "text", "text": "Be kind."}]},
        {"role": "user", "name": "ada", "content": "hi"},
        {"role": "assistant", "content": None, "refusal": "no"},
        {"role": "user", "content": "hello"},
    ]
    client.chat.completions.create(model="auto", messages=turns)
    assert model.seen[-1]["messages"] == turns
