"""Errors: each is the client's own exception class, in OpenAI's shape."""

from __future__ import annotations

from typing import Any

import httpx
import openai
import pytest

HELLO: Any = [{"role": "user", "content": "hello"}]


def body_of(error: openai.APIStatusError) -> dict[str, Any]:
    found = error.response.json()["error"]
    assert set(found) == {"message", "type", "param", "code"}
    return dict(found)


def test_a_wrong_field_is_named(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="auto", messages=HELLO, temperature=9)
    found = body_of(caught.value)
    assert (found["type"], found["param"]) == ("invalid_request_error", "temperature")


@pytest.mark.parametrize("messages", [[], [{"content": "hi"}], "hi", [{"role": "user", "content": 5}]])
def test_wrong_messages_are_a_bad_request(client: openai.OpenAI, messages: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="auto", messages=messages)
    assert str(body_of(caught.value)["param"]).startswith("messages")


def test_an_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-nonsense", messages=HELLO)
    found = body_of(caught.value)
    assert (found["code"], found["param"]) == ("model_not_found", "model")


def test_an_unknown_tier_is_a_bad_request(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model="auto", messages=HELLO, extra_headers={"x-stepwell-tier": "golden"}
        )
    assert body_of(caught.value)["code"] == "tier_not_found"


def test_a_rate_limit_says_when_to_come_back(client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "say 429"}])
    assert body_of(caught.value)["type"] == "rate_limit_error"
    assert caught.value.response.headers["retry-after"] == "7"


def test_failing_tiers_are_a_server_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "say 503"}])
    assert caught.value.status_code == 503
    assert body_of(caught.value)["code"] == "all_tiers_failed"


def test_before_its_first_token_a_stream_fails_with_a_status(client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(
            model="auto", messages=[{"role": "user", "content": "say 429"}], stream=True
        )


def test_what_the_upstream_refuses_is_a_bad_request(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "say 400"}])
    assert body_of(caught.value)["code"] == "upstream_refused"


def test_a_limit_that_nothing_meets_is_a_402(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(
            model="auto", messages=HELLO, extra_headers={"x-stepwell-max-usd": "0.000000001"}
        )
    assert caught.value.status_code == 402
    assert body_of(caught.value)["code"] == "budget_exceeded"


def test_a_prompt_beyond_every_window_is_a_bad_request(client: openai.OpenAI) -> None:
    asked: Any = [{"role": "user", "content": "many words " * 20_000}]
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="auto", messages=asked)
    assert body_of(caught.value)["code"] == "context_length_exceeded"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/chat/completions", 405),
        ("POST", "/models", 405),
        ("GET", "/nowhere", 404),
        ("POST", "/completions", 404),
    ],
)
def test_wrong_paths_and_methods_answer_in_the_same_shape(
    base_url: str, method: str, path: str, status: int
) -> None:
    answer = httpx.request(method, base_url + path)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"]
)
def test_a_body_that_is_not_called_json_is_refused(base_url: str, content_type: str) -> None:
    """What a web page may send to another origin without asking first."""
    answer = httpx.post(
        f"{base_url}/chat/completions",
        content=b'{"messages":[{"role":"user","content":"hi"}]}',
        headers={"content-type": content_type},
    )
    assert answer.status_code == 415


def test_a_body_without_a_type_is_refused_where_a_web_page_sent_it(base_url: str) -> None:
    """fetch() of a Blob without a type sends no content-type, and asks nobody first."""
    body = b'{"messages":[{"role":"user","content":"hi"}]}'
    url = f"{base_url}/chat/completions"
    assert httpx.post(url, content=body).status_code == 200
    assert httpx.post(url, content=body, headers={"origin": "https://evil.example"}).status_code == 415
