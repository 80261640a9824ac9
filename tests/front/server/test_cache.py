"""What callers see of the cache, may ask of it, and may delete: always their own tenant's alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepwell import Stepwell
from stepwell.front.server.app import create_app
from stepwell.testing import FakeTier

TIER: dict[str, Any] = {
    "model": "fake/talker",
    "window_tokens": 100_000,
    "usd_per_1m_input": 1.0,
    "usd_per_1m_output": 2.0,
    "quality": 0.95,
}
KEYS = [{"env": "STEPWELL_TEST_A", "tenant": "acme"}, {"env": "STEPWELL_TEST_B", "tenant": "other"}]
ACME = {"authorization": "Bearer sk-a"}
OTHER = {"authorization": "Bearer sk-b"}


@pytest.fixture
def fake() -> FakeTier:
    return FakeTier("It is ok.")


@pytest.fixture
async def http(fake: FakeTier, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setenv("STEPWELL_TEST_A", "sk-a")
    monkeypatch.setenv("STEPWELL_TEST_B", "sk-b")
    well = Stepwell(
        tiers={"standard": TIER},
        backends={"standard": fake},
        promises={"min_p_ok": 0},
        cache={"semantic": "off"},
        server={"keys": KEYS},
    )
    transport = httpx.ASGITransport(create_app(well))
    async with well, httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def ask(
    http: httpx.AsyncClient, who: dict[str, str] = ACME, *, cache: str | None = None, **more: Any
) -> httpx.Response:
    wish = {} if cache is None else {"x-stepwell-cache": cache}
    body = {"messages": [{"role": "user", "content": "Why?"}], **more}
    return await http.post("/v1/chat/completions", json=body, headers={**who, **wish})


async def hit(http: httpx.AsyncClient, who: dict[str, str] = ACME, **more: Any) -> str:
    """The name of a hit."""
    await ask(http, who, **more)
    answer = await ask(http, who, **more)
    assert answer.headers["x-stepwell-cache"] == "hit"
    return str(answer.headers["x-stepwell-cache-hit-id"])


async def delete(http: httpx.AsyncClient, body: dict[str, Any], who: dict[str, str] = ACME) -> httpx.Response:
    return await http.request("DELETE", "/v1/cache", json=body, headers=who)


# ---- headers


async def test_a_hit_says_which_and_how_old_and_a_miss_does_not(http: httpx.AsyncClient) -> None:
    miss, again = await ask(http), await ask(http)
    assert miss.headers["x-stepwell-cache"] == "miss"
    assert not {"age", "x-stepwell-cache-hit-id", "x-stepwell-cache-p-same"} & set(miss.headers)
    assert again.headers["x-stepwell-cache-hit-id"]
    assert again.headers["age"].isdigit()
    assert again.headers["x-stepwell-tier"] == "standard"
    streamed = await ask(http, stream=True)
    assert streamed.headers["x-stepwell-cache-hit-id"] == again.headers["x-stepwell-cache-hit-id"]
    assert "age" in streamed.headers


@pytest.mark.parametrize(("wish", "n"), [("on", 1), ("exact", 1), ("no-store", 2), ("off", 2)])
async def test_the_wish_is_heeded(http: httpx.AsyncClient, fake: FakeTier, wish: str, n: int) -> None:
    for _ in range(2):
        assert (await ask(http, cache=wish)).status_code == 200
    assert len(fake.requests) == n


async def test_no_sampled_keeps_what_is_not_sampled(http: httpx.AsyncClient, fake: FakeTier) -> None:
    for _ in range(2):
        await ask(http, cache="no-sampled", temperature=0.9)
    assert len(fake.requests) == 2
    for _ in range(2):
        await ask(http, cache="no-sampled", temperature=0)
    assert len(fake.requests) == 3


async def test_a_wish_it_does_not_know_is_refused(http: httpx.AsyncClient) -> None:
    answer = await ask(http, cache="sometimes")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "x-stepwell-cache"


# ---- report and erase


async def test_a_reported_hit_is_gone_at_once(http: httpx.AsyncClient, fake: FakeTier) -> None:
    hit_id = await hit(http)
    answer = await http.post("/v1/cache/report", json={"hit_id": hit_id}, headers=ACME)
    assert answer.json() == {"object": "cache.report", "hit_id": hit_id, "removed": True}
    assert (await ask(http)).headers["x-stepwell-cache"] == "miss"
    again = await http.post("/v1/cache/report", json={"hit_id": hit_id}, headers=ACME)
    assert (again.status_code, again.json()["error"]["code"]) == (404, "hit_not_found")


async def test_another_tenants_hit_is_as_unknown_as_none(http: httpx.AsyncClient) -> None:
    hit_id = await hit(http)
    theirs = await http.post("/v1/cache/report", json={"hit_id": hit_id}, headers=OTHER)
    none = await http.post("/v1/cache/report", json={"hit_id": "nothing"}, headers=OTHER)
    assert (theirs.status_code, theirs.json()) == (none.status_code, none.json())
    assert theirs.status_code == 404
    assert (await delete(http, {"hit_id": hit_id}, OTHER)).json()["n_entries"] == 0
    assert (await ask(http)).headers["x-stepwell-cache"] == "hit"


@pytest.mark.parametrize("what", ["hit_id", "user", "all"])
async def test_a_tenant_erases_its_own(http: httpx.AsyncClient, what: str) -> None:
    mine = await hit(http, user="ann")
    await hit(http, OTHER, user="ann")
    body = {"hit_id": mine} if what == "hit_id" else {"user": "ann"} if what == "user" else {"all": True}
    assert (await delete(http, body)).json() == {"object": "cache.erased", "n_entries": 1}
    assert (await ask(http, user="ann")).headers["x-stepwell-cache"] == "miss"
    assert (await ask(http, OTHER, user="ann")).headers["x-stepwell-cache"] == "hit"


async def test_another_users_answers_stay(http: httpx.AsyncClient) -> None:
    await hit(http, user="ann")
    assert (await delete(http, {"user": "bob"})).json()["n_entries"] == 0
    assert (await ask(http, user="ann")).headers["x-stepwell-cache"] == "hit"


@pytest.mark.parametrize(
    "body",
    [{}, {"all": False}, {"all": True, "user": "a"}, {"hit_id": "a", "user": "b"}, {"everything": True}],
)
async def test_an_unclear_erasure_erases_nothing(http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    await hit(http)
    assert (await delete(http, body)).status_code == 400
    assert (await ask(http)).headers["x-stepwell-cache"] == "hit"


async def test_a_key_is_needed(http: httpx.AsyncClient) -> None:
    assert (await http.post("/v1/cache/report", json={"hit_id": "a"})).status_code == 401
    assert (await delete(http, {"all": True}, {})).status_code == 401
    assert (await http.get("/v1/cache", headers=ACME)).status_code == 405


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=100) | st.text(max_size=100).map(lambda t: f'{{"hit_id":"{t}"}}'.encode()))
async def test_any_body_gets_a_clear_answer(http: httpx.AsyncClient, body: bytes) -> None:
    headers = {**ACME, "content-type": "application/json"}
    answer = await http.post("/v1/cache/report", content=body, headers=headers)
    assert answer.status_code in (400, 404)


# ---- metrics


async def test_metrics_count_hits_by_kind(http: httpx.AsyncClient) -> None:
    hit_id = await hit(http)
    await http.post("/v1/cache/report", json={"hit_id": hit_id}, headers=ACME)
    lines = (await http.get("/metrics", headers=ACME)).text.splitlines()
    for line in (
        'stepwell_cache_hits_total{kind="exact"} 1.0',
        'stepwell_cache_hits_total{kind="semantic"} 0.0',
        "stepwell_cache_serving 0.0",
        "stepwell_cache_misses_total 1.0",
        "stepwell_cache_audits_total 0.0",
        "stepwell_cache_judged_total 0.0",
        "stepwell_cache_wrong_total 1.0",
    ):
        assert line in lines
