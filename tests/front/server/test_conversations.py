"""What callers see of their conversations over HTTP, pin to them, and erase: always their own tenant's alone."""

from __future__ import annotations

import json
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
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
HISTORY: list[dict[str, Any]] = [
    {"role": "user", "content": "My cat is called Miso.", "name": "ann"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "noted"},
    {"role": "assistant", "content": "A fine name — 味噌.", "x-extra": {"big": 2**53 + 1}},
]


@pytest.fixture
async def well() -> AsyncIterator[Stepwell]:
    made = Stepwell(
        tiers={"standard": TIER},
        backends={"standard": FakeTier("It is ok.")},
        promises={"min_p_ok": 0},
        cache={"exact": False, "semantic": "off"},
        server={"keys": KEYS},
    )
    async with made:
        yield made


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPWELL_TEST_A", "sk-a")
    monkeypatch.setenv("STEPWELL_TEST_B", "sk-b")


@pytest.fixture
async def http(well: Stepwell) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(well))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=ACME) as client:
        yield client


async def begin(well: Stepwell, id: str = "c", user: str | None = None, tenant: str = "acme") -> None:
    await well.conversation(id, tenant=tenant, user=user).aappend(HISTORY)


# ---- reading


async def test_a_conversation_is_shown_verbatim(well: Stepwell, http: httpx.AsyncClient) -> None:
    await begin(well)
    shown = (await http.get("/v1/conversations/c")).json()
    assert (shown["id"], shown["object"], shown["user"], shown["n_messages"]) == ("c", "conversation", "", 4)
    assert [item["message"] for item in shown["items"]] == HISTORY
    assert [item["seq"] for item in shown["items"]] == [0, 1, 2, 3]
    assert all(item["created_at"] > 1_700_000_000 for item in shown["items"])
    assert (shown["has_more"], shown["pins"]) == (False, [])


async def test_long_ones_are_read_in_pages(well: Stepwell, http: httpx.AsyncClient) -> None:
    await begin(well)
    found: list[Any] = []
    after = -1
    while True:
        page = (await http.get(f"/v1/conversations/c?after={after}&limit=3")).json()
        found += page["items"]
        if not page["has_more"]:
            break
        after = found[-1]["seq"]
    assert [item["message"] for item in found] == HISTORY
    beyond = (await http.get("/v1/conversations/c?after=100")).json()
    assert (beyond["items"], beyond["has_more"], beyond["n_messages"]) == ([], False, 4)


async def test_the_list_is_by_user_and_says_when_there_are_more(
    well: Stepwell, http: httpx.AsyncClient
) -> None:
    await begin(well, "a", "ann")
    await begin(well, "b", "bob")
    await begin(well, "c")
    everything = (await http.get("/v1/conversations")).json()
    assert {(c["id"], c["user"], c["n_messages"]) for c in everything["data"]} == {
        ("a", "ann", 4),
        ("b", "bob", 4),
        ("c", "", 4),
    }
    assert not everything["has_more"]
    assert [c["id"] for c in (await http.get("/v1/conversations?user=ann")).json()["data"]] == ["a"]
    two = (await http.get("/v1/conversations?limit=2")).json()
    assert (len(two["data"]), two["has_more"]) == (2, True)


async def test_another_tenants_are_as_unknown_as_none(well: Stepwell, http: httpx.AsyncClient) -> None:
    await begin(well)
    theirs = await http.get("/v1/conversations/c", headers=OTHER)
    none = await http.get("/v1/conversations/nothing", headers=OTHER)
    assert (theirs.status_code, theirs.json()) == (none.status_code, none.json())
    assert (none.status_code, none.json()["error"]["code"]) == (404, "conversation_not_found")
    assert (await http.get("/v1/conversations", headers=OTHER)).json()["data"] == []
    assert (await http.delete("/v1/conversations/c", headers=OTHER)).status_code == 404
    assert (await http.delete("/v1/conversations?all=true", headers=OTHER)).json()["n_conversations"] == 0
    assert (await http.get("/v1/conversations/c")).status_code == 200


async def test_another_users_is_refused(well: Stepwell, http: httpx.AsyncClient) -> None:
    await begin(well, user="ann")
    for user in ("", "?user=bob"):
        for answer in (
            await http.get(f"/v1/conversations/c{user}"),
            await http.delete(f"/v1/conversations/c{user}"),
            await http.post(f"/v1/conversations/c/pins{user}", json={"text": "I am Ann."}),
            await http.delete(f"/v1/conversations/c/pins/1{user}"),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_conversation")
    assert (await http.get("/v1/conversations/c?user=ann")).json()["n_messages"] == 4


ODD = ["a/b", "x/pins", "50%25", "naïve 味", "a?b=c#d", " spaced ", "a+b", "ends/", "é" * 256]


@pytest.mark.parametrize("id", ODD)
async def test_any_name_is_found_by_header_path_and_python(
    well: Stepwell, http: httpx.AsyncClient, id: str
) -> None:
    await begin(well, id)
    in_url = "".join(f"%{b:02X}" for b in id.encode())
    shown = (await http.get(f"/v1/conversations/{in_url}")).json()
    assert (shown["id"], shown["n_messages"]) == (id, 4)
    assert (await http.delete(f"/v1/conversations/{in_url}")).json()["id"] == id
    assert await well.aconversations(tenant="acme") == []


# ---- pins


async def test_pins_come_and_go(well: Stepwell, http: httpx.AsyncClient) -> None:
    await begin(well)
    made = (await http.post("/v1/conversations/c/pins", json={"text": "Ann is allergic to nuts."})).json()
    assert (made["object"], made["text"]) == ("conversation.pin", "Ann is allergic to nuts.")
    shown = (await http.get("/v1/conversations/c")).json()
    assert shown["pins"] == [{"id": made["id"], "text": "Ann is allergic to nuts."}]
    gone = await http.delete(f"/v1/conversations/c/pins/{made['id']}")
    assert gone.json() == {"object": "conversation.pin.deleted", "id": made["id"], "deleted": True}
    again = await http.delete(f"/v1/conversations/c/pins/{made['id']}")
    assert (again.status_code, again.json()["error"]["code"]) == (404, "pin_not_found")
    assert (await http.get("/v1/conversations/c")).json()["pins"] == []


NO_PINS = [b"", b"{}", b'{"text":""}', b'{"text":" \\n"}', b'{"text":1}', b'{"text":"a","b":1}', b"\xff"]


@pytest.mark.parametrize("body", [*NO_PINS, b'{"text":"\\ud800"}'])
async def test_what_is_no_pin_is_refused(http: httpx.AsyncClient, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = await http.post("/v1/conversations/c/pins", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_pins_are_listed(well: Stepwell, http: httpx.AsyncClient) -> None:
    unknown = await http.get("/v1/conversations/c/pins")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "conversation_not_found")
    one = (await http.post("/v1/conversations/c/pins", json={"text": "Ann is allergic to nuts."})).json()
    listed = (await http.get("/v1/conversations/c/pins")).json()
    pin = {"object": "conversation.pin", "id": one["id"], "text": "Ann is allergic to nuts."}
    assert listed == {"object": "list", "data": [pin], "has_more": False}
    assert (await http.get("/v1/conversations/c/pins?user=bob")).status_code == 403
    assert (await http.get("/v1/conversations/c/pins", headers=OTHER)).status_code == 404


async def test_a_pin_begins_a_conversation_and_has_its_limits(http: httpx.AsyncClient) -> None:
    long = await http.post("/v1/conversations/c/pins", json={"text": "x" * 4001})
    assert (long.status_code, long.json()["error"]["param"]) == (400, "text")
    assert (await http.get("/v1/conversations/c")).status_code == 404
    for n in range(64):
        assert (await http.post("/v1/conversations/c/pins", json={"text": f"Fact {n}"})).status_code == 200
    assert (await http.post("/v1/conversations/c/pins", json={"text": "One more"})).status_code == 400
    assert (await http.get("/v1/conversations/c")).json()["n_messages"] == 0


# ---- an import of history


async def test_history_is_imported_verbatim(well: Stepwell, http: httpx.AsyncClient) -> None:
    body = json.dumps({"messages": HISTORY}).replace("[{", "[ {", 1).encode()
    headers = {"content-type": "application/json"}
    made = await http.post("/v1/conversations/c/messages?user=ann", content=body, headers=headers)
    assert (made.status_code, made.json()["n_turns"]) == (201, 4)
    more = {"messages": HISTORY[:1], "at_s": 1_690_000_000}
    assert (await http.post("/v1/conversations/c/messages?user=ann", json=more)).json()["n_turns"] == 5
    items = (await http.get("/v1/conversations/c?user=ann")).json()["items"]
    assert [item["message"] for item in items] == [*HISTORY, HISTORY[0]]
    assert items[4]["created_at"] == 1_690_000_000
    assert (await http.post("/v1/conversations/c/messages", json=more)).status_code == 403
    assert (await http.post("/v1/conversations/c/messages", json=more, headers=OTHER)).json()["n_turns"] == 1


NO_IMPORTS = [
    (b"", None),
    (b"{", None),
    (b"{}", None),
    (b'{"messages":{}}', "messages"),
    (b'{"messages":[7]}', "messages[0]"),
    (b'{"messages":[{"role":"user","content":"a"},{"content":"a"}]}', "messages[1]"),
    (b'{"messages":[{"role":"user","content":7}]}', "messages[0].content"),
    (b'{"messages":[],"at_s":"now"}', "at_s"),
    (b'{"messages":[],"at_s":-1}', "at_s"),
    (b'{"messages":[],"at":1}', None),
    (b'{"messages":[{"role":"user","content":"\\ud800"}]}', None),
]


@pytest.mark.parametrize(("body", "param"), NO_IMPORTS)
async def test_what_is_no_history_is_refused_whole(
    http: httpx.AsyncClient, body: bytes, param: str | None
) -> None:
    headers = {"content-type": "application/json"}
    answer = await http.post("/v1/conversations/c/messages", content=body, headers=headers)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert (await http.get("/v1/conversations/c")).status_code == 404


# ---- its name in the header


async def test_the_headers_name_is_percent_decoded(well: Stepwell, http: httpx.AsyncClient) -> None:
    ask = {"messages": [{"role": "user", "content": "Hello?"}]}
    for wrong in ("50%", "50%zz", "%e", "a%%41"):
        named = {"x-stepwell-conversation": wrong}
        answer = await http.post("/v1/chat/completions", json=ask, headers=named)
        error = answer.json()["error"]
        assert (answer.status_code, error["param"]) == (400, "x-stepwell-conversation")
        assert "%25" in error["message"]
    named = {"x-stepwell-conversation": "50%25 %C3%A9"}
    assert (await http.post("/v1/chat/completions", json=ask, headers=named)).status_code == 200
    assert len(await well.conversation("50% é", tenant="acme").amessages()) == 2


# ---- erasing


async def test_erased_is_gone_once(well: Stepwell, http: httpx.AsyncClient) -> None:
    await begin(well)
    gone = await http.delete("/v1/conversations/c")
    assert gone.json() == {"object": "conversation.deleted", "id": "c", "deleted": True}
    for answer in (await http.delete("/v1/conversations/c"), await http.get("/v1/conversations/c")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "conversation_not_found")


async def test_a_users_go_and_others_stay(well: Stepwell, http: httpx.AsyncClient) -> None:
    await begin(well, "a", "ann")
    await begin(well, "a2", "ann")
    await begin(well, "b", "bob")
    await begin(well, "a", "ann", tenant="other")
    answer = await http.delete("/v1/conversations?user=ann")
    assert answer.json() == {"object": "conversations.deleted", "n_conversations": 2}
    assert [c["id"] for c in (await http.get("/v1/conversations")).json()["data"]] == ["b"]
    assert len((await http.get("/v1/conversations", headers=OTHER)).json()["data"]) == 1
    assert (await http.delete("/v1/conversations?all=true")).json()["n_conversations"] == 1


@pytest.mark.parametrize(
    "query", ["", "?user=", "?all=false", "?all=", "?all=true&user=a", "?usr=a", "?user=a&user=b"]
)
async def test_an_unclear_erasure_erases_nothing(well: Stepwell, http: httpx.AsyncClient, query: str) -> None:
    await begin(well, user="a")
    assert (await http.delete(f"/v1/conversations{query}")).status_code == 400
    assert len((await http.get("/v1/conversations")).json()["data"]) == 1


# ---- at the edge


COUNTS = ["0", "x", "1e3", "1_0", "٣", "9" * 5000, "-1", ""]


@pytest.mark.parametrize("query", [*(f"limit={n}" for n in COUNTS), "page=2", "user=%FF", "%FF=1"])
async def test_a_wrong_query_is_refused(http: httpx.AsyncClient, query: str) -> None:
    for path in ("/v1/conversations", "/v1/conversations/c"):
        answer = await http.get(f"{path}?{query}")
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_keys_methods_and_paths(http: httpx.AsyncClient) -> None:
    nobody = {"authorization": ""}
    assert (await http.get("/v1/conversations", headers=nobody)).status_code == 401
    assert (await http.delete("/v1/conversations/c", headers=nobody)).status_code == 401
    for path, method, allow in (
        ("/v1/conversations", "POST", "GET, DELETE"),
        ("/v1/conversations/c", "PUT", "GET, DELETE"),
        ("/v1/conversations/c/pins", "PUT", "GET, POST"),
        ("/v1/conversations/c/messages", "GET", "POST"),
        ("/v1/conversations/c/pins/1", "POST", "DELETE"),
    ):
        answer = await http.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    for rest in ("/", "//pins", "/c/pins/", "/c/x", "x", "/c/pins/1/x"):
        assert (await http.get("/v1/conversations" + rest)).status_code == 404
    assert (await http.get("/v1/conversations/" + "a" * 257)).status_code == 400
    assert (await http.get("/v1/conversations/%FF%00")).status_code == 400


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(["GET", "POST", "DELETE"]), st.binary(max_size=30), st.binary(max_size=30))
async def test_any_path_gets_a_clear_answer(
    http: httpx.AsyncClient, method: str, name: bytes, query: bytes
) -> None:
    in_url = "".join(f"%{b:02X}" for b in name)
    in_query = "".join(f"%{b:02X}" for b in query)
    for path in (
        f"/v1/conversations/{in_url}?user={in_query}",
        f"/v1/conversations/a/pins/{in_url}?{in_query}",
    ):
        answer = await http.request(method, path)
        assert answer.status_code in (400, 404, 405)
        json.loads(answer.content)["error"]["message"].encode()


async def test_a_page_cannot_pin(well: Stepwell, http: httpx.AsyncClient) -> None:
    await begin(well)
    page = {"origin": "http://evil.example", "content-type": "text/plain"}
    answer = await http.post("/v1/conversations/c/pins", content=b'{"text":"x"}', headers=page)
    assert answer.status_code == 415
