"""What the server shows to whom."""

import httpx
import pytest

from stepwell import Stepwell
from stepwell.front.server.app import create_app
from stepwell.testing import FakeTier


def _client(well: Stepwell) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(well)), base_url="http://127.0.0.1")


async def test_with_keys_only_their_holders_see_metrics_and_tiers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPWELL_TEST_SERVER_KEY", "sk-mine")
    keys = {"keys": [{"env": "STEPWELL_TEST_SERVER_KEY", "tenant": "acme"}]}
    async with Stepwell(server=keys, backends={"local": FakeTier()}) as well, _client(well) as client:
        assert (await client.get("/metrics")).status_code == 401
        mine = await client.get("/metrics", headers={"authorization": "Bearer sk-mine"})
        assert mine.status_code == 200
        assert (await client.get("/readyz")).json() == {"status": "ready"}


async def test_without_keys_readyz_says_what_each_tier_lacks() -> None:
    async with Stepwell(backends={"local": FakeTier()}) as well, _client(well) as client:
        assert (await client.get("/readyz")).json()["tiers"]["local"] == "ok"
        assert (await client.get("/metrics")).status_code == 200


async def test_an_unknown_model_is_a_404_in_the_record_too() -> None:
    async with Stepwell(backends={"local": FakeTier()}) as well, _client(well) as client:
        body = {"model": "no-such", "messages": [{"role": "user", "content": "hi"}]}
        assert (await client.post("/v1/chat/completions", json=body)).status_code == 404
        assert 'status="404"' in (await client.get("/metrics")).text
