"""What a policy hands to people, over HTTP: held, listed, decided; always a tenant's own, by a key that may review."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from stepwell import Stepwell
from stepwell.front.server.app import create_app
from stepwell.testing import FakeTier
from tests.house import house

KEYS = [
    {"env": "STEPWELL_TEST_A", "tenant": "acme"},
    {"env": "STEPWELL_TEST_R", "tenant": "acme", "may_review": True},
    {"env": "STEPWELL_TEST_B", "tenant": "other", "may_review": True},
]
APP = {"authorization": "Bearer sk-a"}
OTHER = {"authorization": "Bearer sk-b"}
TEXT = "Write to zoo@quagga.example please."
REVIEWED = {"check": "email", "action": "review"}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "ARB":
        monkeypatch.setenv(f"STEPWELL_TEST_{name}", f"sk-{name.lower()}")


@pytest.fixture
def tier() -> FakeTier:
    return FakeTier("It is ok.")


@pytest.fixture
async def well(tier: FakeTier) -> AsyncIterator[Stepwell]:
    guards = {"input": [REVIEWED], "output": [REVIEWED], "review": {"max_waiting": 2}}
    async with house(tier, guards=guards, server={"keys": KEYS}) as made:
        yield made


@pytest.fixture
async def http(well: Stepwell) -> AsyncIterator[httpx.AsyncClient]:
    """The reviewer's client."""
    transport = httpx.ASGITransport(create_app(well))
    reviewer = {"authorization": "Bearer sk-r"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1", headers=reviewer
    ) as client:
        yield client


async def ask(
    http: httpx.AsyncClient, text: str = TEXT, headers: dict[str, str] = APP, **more: Any
) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": text}], **more}
    return await http.post("/v1/chat/completions", json=body, headers=headers)


async def held(http: httpx.AsyncClient, text: str = TEXT, headers: dict[str, str] = APP, **more: Any) -> str:
    """The id of what was refused until a person has looked at it."""
    answer = await ask(http, text, headers, **more)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "held_for_review")
    assert "quagga" not in answer.text
    assert answer.headers["x-stepwell-review-id"] == error["review_id"]
    return str(error["review_id"])


# ---- from refusal to answer


async def test_what_is_held_passes_once_it_is_approved(http: httpx.AsyncClient, tier: FakeTier) -> None:
    id = await held(http)
    assert await held(http) == id
    assert await held(http, stream=True) == id
    assert tier.requests == []
    listed = (await http.get("/v1/reviews")).json()
    assert [(r["id"], r["status"], r["kinds"], r["n_sent"]) for r in listed["data"]] == [
        (id, "waiting", ["EMAIL"], 3)
    ]
    assert "quagga" not in str(listed)
    shown = (await http.get(f"/v1/reviews/{id}")).json()
    assert (shown["object"], shown["text"], shown["check"], shown["stage"]) == (
        "review",
        TEXT,
        "email",
        "input",
    )
    said = await http.post(f"/v1/reviews/{id}/approve", json={"by": "ann", "note": "it is public"})
    assert (said.json()["status"], said.json()["by"], said.json()["note"]) == (
        "approved",
        "ann",
        "it is public",
    )
    answer = await ask(http)
    assert answer.status_code == 200
    assert answer.headers["x-stepwell-guard-input"].startswith("allow")
    assert (await ask(http, stream=True)).status_code == 200


async def test_a_rejected_text_is_blocked_at_once(http: httpx.AsyncClient, tier: FakeTier) -> None:
    id = await held(http)
    assert (await http.post(f"/v1/reviews/{id}/reject")).json()["status"] == "rejected"
    answer = await ask(http)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "content_blocked")
    assert "review_id" not in answer.json()["error"]
    assert tier.requests == []


async def test_a_full_queue_blocks(http: httpx.AsyncClient) -> None:
    for n in range(2):
        await held(http, f"{TEXT} {n}")
    answer = await ask(http, f"{TEXT} 2")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "content_blocked")


@pytest.mark.parametrize("is_stream", [False, True])
async def test_an_answer_waits_for_people_too(is_stream: bool) -> None:
    said = FakeTier([TEXT, TEXT])
    async with house(said, guards={"input": [], "output": [REVIEWED]}) as made:
        transport = httpx.ASGITransport(create_app(made))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as local:
            id = await held(local, "Where do quaggas live?", {}, stream=is_stream)
            shown = (await local.get(f"/v1/reviews/{id}")).json()
            assert (shown["text"], shown["stage"]) == (TEXT, "stream" if is_stream else "output")
            await local.post(f"/v1/reviews/{id}/approve")
            answer = await ask(local, "Where do quaggas live?", {}, stream=is_stream)
            assert answer.status_code == 200
            assert TEXT in answer.text


# ---- decisions


async def test_a_decision_is_overruled_only_on_purpose(http: httpx.AsyncClient) -> None:
    path = f"/v1/reviews/{await held(http)}"
    await http.post(f"{path}/reject")
    refused = await http.post(f"{path}/approve", json={})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "review_decided")
    assert (await http.post(f"{path}/reject")).status_code == 200
    assert (await http.post(f"{path}/approve", json={"overrule": True})).json()["status"] == "approved"


WRONG = [
    b"{",
    b"[]",
    b'{"by":1}',
    b'{"overrule":"yes"}',
    b'{"who":"a"}',
    b"\xff",
    b'{"note":"%s"}' % (b"x" * 4001),
]


@pytest.mark.parametrize("body", WRONG)
async def test_what_is_no_decision_decides_nothing(http: httpx.AsyncClient, body: bytes) -> None:
    path = f"/v1/reviews/{await held(http)}"
    headers = {"content-type": "application/json"}
    answer = await http.post(f"{path}/approve", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert (await http.get(path)).json()["status"] == "waiting"


# ---- whose


async def test_another_tenants_is_as_unknown_as_none(http: httpx.AsyncClient) -> None:
    id = await held(http)
    for name in (id, "rev_none"):
        for answer in (
            await http.get(f"/v1/reviews/{name}", headers=OTHER),
            await http.post(f"/v1/reviews/{name}/approve", headers=OTHER),
            await http.post(f"/v1/reviews/{name}/reject", headers=OTHER),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "review_not_found")
    assert (await http.get("/v1/reviews", headers=OTHER)).json()["data"] == []
    assert await held(http) == id
    assert await held(http, headers=OTHER) != id


async def test_a_key_that_asks_does_not_decide(http: httpx.AsyncClient) -> None:
    id = await held(http)
    for method, path in (
        ("GET", ""),
        ("GET", f"/{id}"),
        ("POST", f"/{id}/approve"),
        ("POST", f"/{id}/reject"),
    ):
        answer = await http.request(method, f"/v1/reviews{path}", headers=APP)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "may_not_review")
        nobody = await http.request(method, f"/v1/reviews{path}", headers={"authorization": "Bearer x"})
        assert nobody.status_code == 401
    assert await held(http) == id


# ---- at the edge


async def test_lists_come_in_pages_by_status(http: httpx.AsyncClient) -> None:
    ids = [await held(http, f"{TEXT} {n}") for n in range(2)]
    page = (await http.get("/v1/reviews?limit=1")).json()
    assert ([r["id"] for r in page["data"]], page["has_more"]) == (ids[:1], True)
    rest = (await http.get(f"/v1/reviews?limit=1&after={ids[0]}")).json()
    assert ([r["id"] for r in rest["data"]], rest["has_more"]) == (ids[1:], False)
    await http.post(f"/v1/reviews/{ids[0]}/approve")
    for status, found in (("waiting", ids[1:]), ("approved", ids[:1]), ("rejected", [])):
        data = (await http.get(f"/v1/reviews?status={status}")).json()["data"]
        assert [r["id"] for r in data] == found
    for query in (
        "status=open",
        "limit=0",
        "limit=x",
        "page=2",
        "after=%FF",
        "status=waiting&status=waiting",
    ):
        assert (await http.get(f"/v1/reviews?{query}")).status_code == 400
    assert (await http.get(f"/v1/reviews/{ids[0]}?all=true")).status_code == 400


async def test_methods_and_paths(http: httpx.AsyncClient) -> None:
    for path, method, allow in (
        ("/v1/reviews", "POST", "GET"),
        ("/v1/reviews/r", "DELETE", "GET"),
        ("/v1/reviews/r/approve", "GET", "POST"),
    ):
        answer = await http.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    for rest in ("/", "//approve", "/r/", "/r/forget", "x", "/r/approve/x"):
        assert (await http.get("/v1/reviews" + rest)).status_code == 404
    assert (await http.get("/v1/reviews/%FF")).status_code == 400
    page = {"origin": "https://elsewhere.example"}
    assert (await http.post("/v1/reviews/r/approve", headers=page)).status_code == 415


async def test_without_a_rule_that_asks_people_there_is_no_queue() -> None:
    async with house(FakeTier("ok")) as plain:
        transport = httpx.ASGITransport(create_app(plain))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as local:
            answer = await local.get("/v1/reviews")
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "reviews_off")
