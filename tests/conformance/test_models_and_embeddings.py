"""/v1/models and /v1/embeddings through the official client."""

from __future__ import annotations

import math

import httpx
import openai
import pytest


def test_models_list_auto_tiers_and_models(client: openai.OpenAI) -> None:
    names = [m.id for m in client.models.list()]
    assert names == ["auto", "standard", "premium", "mock/talker", "mock/thinker"]


def test_one_model_can_be_retrieved(client: openai.OpenAI) -> None:
    found = client.models.retrieve("mock/talker")
    assert (found.id, found.object) == ("mock/talker", "model")
    assert found.created > 1_600_000_000


def test_an_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("nothing/such")
    assert caught.value.code == "model_not_found"


async def test_the_async_client_lists_them_too(aclient: openai.AsyncOpenAI) -> None:
    assert "auto" in [m.id async for m in aclient.models.list()]


def test_one_text_and_many_give_unit_vectors(client: openai.OpenAI) -> None:
    one = client.embeddings.create(model="auto", input="A cat sat on the mat.")
    many = client.embeddings.create(model="auto", input=["A cat sat on the mat.", "Stocks fell."])
    assert [e.index for e in many.data] == [0, 1]
    assert len(one.data[0].embedding) == 384
    assert math.isclose(math.hypot(*one.data[0].embedding), 1.0, abs_tol=1e-4)
    assert many.data[0].embedding == pytest.approx(one.data[0].embedding, abs=0.02)
    assert many.usage.prompt_tokens > 0


def test_base64_and_floats_say_the_same(base_url: str, client: openai.OpenAI) -> None:
    decoded = client.embeddings.create(model="auto", input="hello")  # the client asks for base64
    plain = client.embeddings.create(model="auto", input="hello", encoding_format="float")
    assert plain.data[0].embedding == pytest.approx(decoded.data[0].embedding, abs=1e-6)
    body = {"input": "hello", "model": "auto", "encoding_format": "base64"}
    wire = httpx.post(f"{base_url}/embeddings", json=body).json()
    assert isinstance(wire["data"][0]["embedding"], str)


@pytest.mark.parametrize(
    "asked", [{"input": []}, {"input": ""}, {"input": [5]}, {"input": "x", "dimensions": 7}]
)
def test_what_can_not_be_embedded_is_a_bad_request(client: openai.OpenAI, asked: dict[str, object]) -> None:
    with pytest.raises(openai.BadRequestError):
        client.embeddings.create(model="auto", **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize("named", ["", "auto", "minilm", "all-MiniLM-L6-v2"])
def test_the_embedders_names_are_known(base_url: str, named: str) -> None:
    assert httpx.post(f"{base_url}/embeddings", json={"input": "x", "model": named}).status_code == 200


def test_no_other_embedding_model_is_stood_in_for(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.embeddings.create(model="text-embedding-3-small", input="x")
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
