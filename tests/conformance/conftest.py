"""A running server, and the official client pointed at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest

from tests.conformance.model import Model
from tests.support.served import Served

ABLE = {
    "window_tokens": 8192,
    "capabilities": ["tools", "json_schema", "images", "logprobs"],
    "quality": 0.95,
}
TIERS: dict[str, Any] = {
    "premium": {"model": "mock/thinker", "usd_per_1m_input": 10, "usd_per_1m_output": 30, **ABLE},
    "standard": {"model": "mock/talker", "usd_per_1m_input": 1, "usd_per_1m_output": 2, **ABLE},
}
QUICK: dict[str, Any] = {"max_retries": 0, "cooldown_s": 0}


@pytest.fixture(scope="session")
def model() -> Model:
    """What answers in place of both tiers."""
    return Model()


@pytest.fixture(scope="session")
def base_url(model: Model) -> Iterator[str]:
    """The running server's, guards on, cache off."""
    values = {
        "tiers": TIERS,
        "backends": {"premium": model, "standard": model},
        "cache": {"exact": False, "semantic": "off"},
        "dispatch": QUICK,
    }
    with Served(values) as served:
        yield f"http://127.0.0.1:{served.port}/v1"


@pytest.fixture
def client(base_url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="unused", base_url=base_url, max_retries=0, timeout=20) as made:
        yield made


@pytest.fixture
async def aclient(base_url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(api_key="unused", base_url=base_url, max_retries=0, timeout=20) as made:
        yield made
