"""Keys are tenants; without keys only this machine is served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from stepwell import Config, ConfigError, Stepwell
from stepwell.front.server.app import create_app
from stepwell.front.server.run import serve
from tests.conformance.conftest import QUICK, TIERS
from tests.conformance.model import Model
from tests.support.served import Served

HELLO: Any = [{"role": "user", "content": "hello"}]
KEYS = {"KEY_A": "sk-a-secret", "KEY_B": "sk-b-secret", "KEY_B2": "sk-b2-secret"}


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Model]]:
    """A server with three keys of two tenants, exact cache on."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    model = Model()
    values = {
        "tiers": TIERS,
        "backends": {"premium": model, "standard": model},
        "cache": {"semantic": "off"},
        "dispatch": QUICK,
        "server": {"keys": [{"env": name, "tenant": name[4]} for name in KEYS]},
    }
    with Served(values) as served:
        yield f"http://127.0.0.1:{served.port}/v1", model


def cache_status(base_url: str, key: str) -> str:
    with openai.OpenAI(api_key=key, base_url=base_url, max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(model="auto", messages=HELLO)
    return raw.headers["x-stepwell-cache"]


def test_tenants_never_share_a_cache_entry(locked: tuple[str, Model]) -> None:
    url, model = locked
    asked = ["sk-a-secret", "sk-a-secret", "sk-b-secret", "sk-b2-secret"]
    assert [cache_status(url, key) for key in asked] == ["miss", "hit", "miss", "hit"]
    assert len(model.seen) == 2


@pytest.mark.parametrize("key", ["sk-wrong", "sk-a-secre", "sk-a-secret2", "\u00e4"])
def test_a_wrong_key_is_refused(locked: tuple[str, Model], key: str) -> None:
    url, model = locked
    headers = {b"authorization": b"Bearer " + key.encode()}
    answers = [
        httpx.post(f"{url}/chat/completions", json={"messages": HELLO}, headers=headers),
        httpx.post(f"{url}/embeddings", json={"input": "x"}, headers=headers),
        httpx.get(f"{url}/models", headers=headers),
        httpx.get(f"{url}/models/auto", headers=headers),
        httpx.get(f"{url}/models"),
        httpx.get(f"{url}/models", headers={"authorization": "Basic sk-a-secret"}),
    ]
    assert [a.status_code for a in answers] == [401] * 6
    assert all(a.json()["error"]["code"] == "invalid_api_key" for a in answers)
    assert model.seen == []


def test_the_client_raises_its_authentication_error(locked: tuple[str, Model]) -> None:
    with openai.OpenAI(api_key="sk-wrong", base_url=locked[0], max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError):
            client.chat.completions.create(model="auto", messages=HELLO)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_without_keys_only_loopback_is_bound(host: str) -> None:
    with pytest.raises(ConfigError, match=r"server\.keys is empty"):
        serve(Config.make({"server": {"host": host}}))


def test_a_key_that_is_not_in_the_environment_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="STEPWELL_NO_SUCH_KEY"):
        create_app(Stepwell(server={"keys": [{"env": "STEPWELL_NO_SUCH_KEY", "tenant": "a"}]}))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8400", 200),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("[::1]:8400", 200),
        ("evil.example", 401),
        ("localhost.evil.example", 401),
        ("127.0.0.1.evil.example:8400", 401),
        ("", 401),
    ],
)
@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/readyz"])
async def test_without_keys_a_foreign_host_header_is_refused(host: str, path: str, status: int) -> None:
    """A web page whose name was rebound to 127.0.0.1 reaches the port, but can't choose this header."""
    model = Model()
    well = Stepwell(tiers=TIERS, backends={"premium": model, "standard": model}, cache={"semantic": "off"})
    transport = httpx.ASGITransport(create_app(well, checks_host=True))
    async with well, httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        assert (await http.get(path, headers={"host": host})).status_code == status
