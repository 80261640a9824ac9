"""The official openai client, wired to a well in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest

from stepwell import Stepwell
from stepwell.front.openai_client import openai_client
from stepwell.testing import FakeTier

TIER = {
    "model": "fake/talker",
    "window_tokens": 8192,
    "usd_per_1m_input": 1.0,
    "usd_per_1m_output": 2.0,
    "quality": 0.95,
}
HELLO: Any = [{"role": "user", "content": "hello"}]


@asynccontextmanager
async def wired(tier: FakeTier, **sections: Any) -> AsyncIterator[openai.AsyncOpenAI]:
    plain: dict[str, Any] = {"cache": {"exact": False, "semantic": "off"}}
    well = Stepwell(tiers={"standard": TIER}, backends={"standard": tier}, **{**plain, **sections})
    async with well, openai_client(well) as client:
        yield client


async def test_it_answers_with_typed_objects_and_our_headers() -> None:
    async with wired(FakeTier("one two")) as client:
        raw = await client.chat.completions.with_raw_response.create(model="auto", messages=HELLO)
    assert raw.headers["x-stepwell-tier"] == "standard"
    answer = raw.parse()
    assert answer.choices[0].message.content == "one two"
    assert answer.usage is not None


async def test_it_streams() -> None:
    async with wired(FakeTier("one two three")) as client:
        stream = await client.chat.completions.create(model="auto", messages=HELLO, stream=True)
        pieces = [
            c.choices[0].delta.content async for c in stream if c.choices and c.choices[0].delta.content
        ]
    assert "".join(pieces) == "one two three"
    assert len(pieces) > 1


async def test_our_errors_are_its_errors() -> None:
    async with wired(FakeTier()) as client:
        with pytest.raises(openai.BadRequestError):
            await client.chat.completions.create(model="auto", messages=HELLO, temperature=9)
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(
                model="auto", messages=HELLO, extra_headers={"x-stepwell-max-usd": "1e-9"}
            )
    assert caught.value.status_code == 402


async def test_leaving_a_stream_stops_the_upstream() -> None:
    tier = FakeTier(" ".join(["word"] * 50_000))
    async with wired(tier) as client:
        stream = await client.chat.completions.create(model="auto", messages=HELLO, stream=True)
        async for _ in stream:
            break
        await stream.close()
        assert tier.n_cancelled == 1


async def test_a_cancelled_call_stops_the_upstream() -> None:
    tier = FakeTier(delay_s=60)
    async with wired(tier) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await client.chat.completions.create(model="auto", messages=HELLO)
    assert (len(tier.requests), tier.n_cancelled) == (1, 1)


async def test_configured_keys_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_OF_TEAM_A", "sk-team-a")
    tier = FakeTier()
    async with wired(tier, server={"keys": [{"env": "KEY_OF_TEAM_A", "tenant": "team-a"}]}) as client:
        await client.chat.completions.create(model="auto", messages=HELLO)
        with pytest.raises(openai.AuthenticationError):
            await client.with_options(api_key="sk-wrong").chat.completions.create(
                model="auto", messages=HELLO
            )
    assert [r.caller.tenant for r in tier.requests] == ["team-a"]


async def test_its_models_are_listed() -> None:
    async with wired(FakeTier()) as client:
        names = [model.id async for model in client.models.list()]
    assert "auto" in names
    assert "standard" in names
