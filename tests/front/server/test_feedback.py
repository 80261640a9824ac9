"""POST /v1/feedback: whose reply, which id, what score; and nothing of it told to others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepwell import Stepwell
from stepwell.base.request import Caller, ChatRequest
from stepwell.front.server.app import create_app
from stepwell.front.server.openapi import description
from stepwell.router.outcome_notes import note_of
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


def well_of(path: Path | None, **more: Any) -> Stepwell:
    return Stepwell(
        tiers={"standard": TIER, "premium": {**TIER, "usd_per_1m_input": 9.0}},
        backends={"standard": FakeTier("It is ok."), "premium": FakeTier("It is fine.")},
        promises={"min_p_ok": 0},
        cache={"semantic": "off"},
        feedback={} if path is None else {"path": str(path)},
        **more,
    )


def client_of(well: Stepwell) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(well)), base_url="http://127.0.0.1")


@pytest.fixture
async def well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stepwell]:
    monkeypatch.setenv("STEPWELL_TEST_A", "sk-a")
    monkeypatch.setenv("STEPWELL_TEST_B", "sk-b")
    async with well_of(tmp_path / "o.db", server={"keys": KEYS}) as made:
        yield made


@pytest.fixture
async def http(well: Stepwell) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(well) as made:
        yield made


async def asked(well: Stepwell, tenant: str = "acme") -> tuple[str, str]:
    """Both ids of a reply that the well gave and remembered."""
    request = ChatRequest.build({"messages": [{"role": "user", "content": "Why?"}]}, Caller(tenant))
    reply = await well.pipeline.complete(request)
    note = note_of(request, reply)
    assert note is not None
    assert well.outcomes is not None
    well.outcomes.remember(note)
    return reply.trace.request_id, reply.answer.id


def scores(well: Stepwell) -> list[object]:
    assert well.outcomes is not None
    return [row["scores"] for row in well.outcomes.rows()]


@pytest.mark.parametrize("which", [0, 1])
async def test_either_id_will_do(well: Stepwell, http: httpx.AsyncClient, which: int) -> None:
    reply_id = (await asked(well))[which]
    answer = await http.post(
        "/v1/feedback", json={"id": reply_id, "score": 0.25, "comment": "zq7"}, headers=ACME
    )
    assert answer.status_code == 200
    assert answer.json() == {"object": "feedback", "id": reply_id, "tier": "standard", "score": 0.25}
    assert scores(well) == [{"standard": 0.25}]


@pytest.mark.parametrize(("good", "score"), [(True, 1.0), (False, 0.0)])
async def test_good_or_not_will_do(well: Stepwell, http: httpx.AsyncClient, good: bool, score: float) -> None:
    reply_id, _ = await asked(well)
    assert (
        await http.post("/v1/feedback", json={"id": reply_id, "good": good}, headers=ACME)
    ).status_code == 200
    assert scores(well) == [{"standard": score}]


async def test_another_tenants_reply_is_as_unknown_as_none(well: Stepwell, http: httpx.AsyncClient) -> None:
    reply_id, _ = await asked(well)
    other = {"authorization": "Bearer sk-b"}
    theirs = await http.post("/v1/feedback", json={"id": reply_id, "score": 0}, headers=other)
    none = await http.post("/v1/feedback", json={"id": "nothing", "score": 0}, headers=other)
    assert (theirs.status_code, theirs.json()) == (none.status_code, none.json())
    assert theirs.status_code == 404
    assert theirs.json()["error"]["code"] == "reply_not_found"
    assert scores(well) == []


async def test_a_key_is_needed(http: httpx.AsyncClient) -> None:
    assert (await http.post("/v1/feedback", json={"id": "a", "score": 1})).status_code == 401
    assert (await http.get("/v1/feedback", headers=ACME)).status_code == 405


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"id": "a"}, "score"),
        ({"id": "a", "score": 1, "good": True}, "score"),
        ({"id": "a", "score": 1.5}, "score"),
        ({"id": "a", "score": "good"}, "score"),
        ({"id": "", "score": 1}, "id"),
        ({"score": 1}, "the body"),
        ({"id": "a", "score": 1, "tier": "gold"}, "tier"),
    ],
)
async def test_a_wrong_field_is_named(http: httpx.AsyncClient, body: dict[str, Any], param: str) -> None:
    answer = await http.post("/v1/feedback", json=body, headers=ACME)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert param in (error["param"] or error["message"])


async def test_another_tier_may_be_scored(well: Stepwell, http: httpx.AsyncClient) -> None:
    reply_id, _ = await asked(well)
    body = {"id": reply_id, "score": 1, "tier": "premium"}
    assert (await http.post("/v1/feedback", json=body, headers=ACME)).json()["tier"] == "premium"
    assert scores(well) == [{"premium": 1.0}]


async def test_where_none_is_taken_it_says_so() -> None:
    async with well_of(None) as well, client_of(well) as http:
        answer = await http.post("/v1/feedback", json={"id": "a", "score": 1})
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "feedback_off"


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: f'{{"id":"{t}","score":1}}'.encode()))
async def test_any_body_gets_a_clear_answer(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post(
        "/v1/feedback", content=body, headers={**ACME, "content-type": "application/json"}
    )
    assert answer.status_code in (400, 404)
    assert "Traceback" not in answer.text


def test_it_is_described() -> None:
    paths = description()["paths"]
    assert isinstance(paths, dict)
    assert list(paths["/v1/feedback"]) == ["post"]
