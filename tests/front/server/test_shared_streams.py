"""Clients who stream the same at the same time over HTTP: one call, and who hangs up stops nobody else."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

from stepwell.front.openai_client import AsgiTransport
from stepwell.front.server.app import create_app
from stepwell.testing import FakeTier
from tests.house import house, n_in_flight, records_of

BODY: dict[str, Any] = {"messages": [{"role": "user", "content": "What is a well?"}], "stream": True}


class Slow(FakeTier):
    """A word every few milliseconds."""

    async def stream(self, request: Any) -> Any:
        async for batch in super().stream(request):
            yield batch
            await asyncio.sleep(0.005)


class Client:
    """Reads one streamed answer, or some of its events."""

    def __init__(self, http: httpx.AsyncClient, n_events: int | None = None) -> None:
        self.headers = httpx.Headers()
        self.task = asyncio.create_task(self._run(http, n_events))

    async def _run(self, http: httpx.AsyncClient, n_events: int | None) -> str:
        text, n = "", 0
        async with http.stream("POST", "/v1/chat/completions", json=BODY) as answer:
            self.headers = answer.headers
            async for line in answer.aiter_lines():
                if not line.startswith("data: {"):
                    continue
                event = json.loads(line.removeprefix("data: "))
                text += "".join(c["delta"].get("content") or "" for c in event["choices"])
                n += 1
                if n == n_events:
                    return text
        return text


async def test_who_hangs_up_stops_nobody() -> None:
    words = " ".join(f"w{n}" for n in range(40))
    tier = Slow(words)
    async with house(tier, cache={"semantic": "off"}) as well:
        records = records_of(well)
        transport = AsgiTransport(create_app(well))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            first = Client(http, n_events=5)
            await asyncio.sleep(0.01)
            second, third = Client(http), Client(http, n_events=8)
            assert words.startswith(await first.task)
            assert words.startswith(await third.task)
            assert await second.task == words
        assert n_in_flight(well) == 0
    assert (len(tier.requests), tier.n_cancelled) == (1, 0)
    assert first.headers["x-stepwell-cache"] == "miss"
    assert second.headers["x-stepwell-cache"] == "hit"
    assert "x-stepwell-cache-hit-id" not in second.headers
    assert sorted(r.status for r in records) == [200, 499, 499]
    assert sum(r.cost_usd for r in records) > 0


async def test_once_all_hung_up_the_upstream_is_let_go() -> None:
    tier = Slow(" ".join(["word"] * 500))
    async with house(tier, cache={"semantic": "off"}) as well:
        transport = AsgiTransport(create_app(well))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            clients = [Client(http, n_events=n) for n in (3, 6)]
            await asyncio.gather(*(c.task for c in clients))
        assert n_in_flight(well) == 0
    assert (len(tier.requests), tier.n_cancelled) == (1, 1)
