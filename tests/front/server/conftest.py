"""The ASGI app on a tier that always answers, and a way to send it any bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from stepwell import Stepwell
from stepwell.front.server.app import create_app
from stepwell.testing import FakeTier

TIER: dict[str, Any] = {
    "model": "fake/talker",
    "window_tokens": 100_000,
    "capabilities": ["tools", "json_schema", "images"],
    "usd_per_1m_input": 1.0,
    "usd_per_1m_output": 2.0,
    "quality": 0.95,
}
Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def fake() -> FakeTier:
    return FakeTier("It is ok.")


@pytest.fixture
async def http(fake: FakeTier) -> AsyncIterator[httpx.AsyncClient]:
    """Every stage is on: guards that redact, rules that read headers, exact cache, a budget."""
    well = Stepwell(
        tiers={"standard": TIER},
        backends={"standard": fake},
        cache={"semantic": "off"},
        promises={"min_p_ok": 0, "max_usd_per_day": 1000},
        guards={"input": ["email", "secrets"], "output": ["email", "secrets"]},
        routing={"rules": [{"name": "by-header", "header": {"x-team": "a"}, "pin": "standard"}]},
    )
    transport = httpx.ASGITransport(create_app(well))  # what escapes the app is raised here
    async with well, httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def ask(http: httpx.AsyncClient) -> Ask:
    """POST raw bytes as JSON."""

    async def post(body: bytes, path: str = "/v1/chat/completions", **headers: Any) -> httpx.Response:
        return await http.post(path, content=body, headers={"content-type": "application/json", **headers})

    return post
