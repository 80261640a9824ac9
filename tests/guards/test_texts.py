"""Nothing of a request leaves unread, whatever field it stands in; and what stays in it stays valid."""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.config import CheckConfig, GuardsConfig
from stepwell.base.config.guards import GuardAction
from stepwell.base.decisions import Finding, Verdict
from stepwell.base.errors import BadRequest, GuardBlocked
from stepwell.base.request import Caller, ChatRequest
from stepwell.guards import checks
from stepwell.guards.check import WHOLE_TEXT
from stepwell.guards.context import Context
from stepwell.guards.guard import Guard
from stepwell.guards.masks.masker import Masker
from stepwell.guards.masks.vault import Vault

MAIL = "ann@example.org"
HI: dict[str, Any] = {"role": "user", "content": "hi"}
SIGNATURE = "Aa1+" * 40
PICTURE = "data:image/png;base64,iVBORw0KGgo="


@cache
def email(action: GuardAction = "redact") -> Guard:
    tiers = ["near"] if action == "keep_to" else []
    return Guard(GuardsConfig(input=[CheckConfig(check="email", action=action, tiers=tiers)], output=[]))


async def sent(body: dict[str, Any], guard: Guard | None = None) -> tuple[Verdict, Any]:
    """The verdict, and the fields that go on."""
    verdict, request = await (guard or email()).check_input(ChatRequest.build(body))
    assert request.wire == ChatRequest.build(request.fields).wire
    return verdict, {name: json.loads(bytes(raw)) for name, raw in request.fields.items()}


def tool(**function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", **function}}


def content(*parts: Any) -> list[Any]:
    return [
        {"role": "user", "content": [{"type": "text", "text": p} if isinstance(p, str) else p for p in parts]}
    ]


EVERYWHERE: list[dict[str, Any]] = [
    {"user": MAIL},
    {"safety_identifier": MAIL},
    {"prompt_cache_key": f"chat of {MAIL}"},
    {"stop": [MAIL]},
    {"stop": MAIL},
    {"metadata": {"k": MAIL}},
    {"metadata": {MAIL: "v"}},
    {"metadata": {"a": [{"b": {MAIL: 1}}]}},
    {"tools": [tool(description=MAIL)]},
    {"tools": [tool(parameters={"type": "object", "properties": {MAIL: {"type": "string"}}})]},
    {"tools": [tool(parameters={"properties": {"a": {"const": {"id": MAIL}}}})]},
    {"tools": [tool()], "tool_choice": {"type": "function", "function": {"name": MAIL}}},
    {"documents": [{"id": MAIL, "text": "x"}]},
    {"documents": [{"signature": MAIL}]},
    {"web_search_options": {"user_location": {"approximate": {"city": MAIL}}}},
    {"context": MAIL},
    {"instructions": MAIL},
    {"suffix": MAIL},
    {"service_tier": MAIL},
    {"extra_body": {"x": MAIL}},
    {"chat_template_kwargs": {"name": MAIL}},
    {"prediction": {"type": "content", "content": [{"type": "text", "text": MAIL}]}},
    {MAIL: 1},
    {"messages": [{"role": "user", "name": MAIL, "content": "x"}]},
    {"messages": [{"role": "assistant", "content": "x", "thinking_blocks": [{"signature": MAIL}]}]},
    {"messages": content({"type": "text", "text": "x", MAIL: "y"})},
    {"messages": content({"type": "text", "text": "x", "cache_control": {MAIL: {MAIL: 1}}})},
    {"messages": content({"type": "image_url", "image_url": {"url": f"https://x.example/?u={MAIL}"}})},
    {"messages": content({"type": "file", "file": {"filename": MAIL, "file_data": PICTURE}})},
    {"messages": content({"type": "file", "file": {"file_data": f"data:text/plain,{MAIL}"}})},
    {"messages": content("ann@exam", "ple.org")},
]


@pytest.mark.parametrize("more", EVERYWHERE, ids=lambda m: str(m)[:60])
async def test_every_field_of_a_request_is_read(more: dict[str, Any]) -> None:
    body = {"messages": [HI], **more}
    verdict, fields = await sent(body)
    assert verdict.kinds == ("EMAIL",)
    assert "ann@" not in json.dumps(fields)
    assert "ann" not in "".join(f.where for f in verdict.findings)
    verdict, fields = await sent(body, email("keep_to"))
    assert (verdict.keep_to, fields) == (("near",), body)
    with pytest.raises(GuardBlocked):
        await sent(body, email("block"))


async def test_what_is_none_of_a_callers_words_is_not_changed() -> None:
    body = {
        "model": MAIL,  # each tier writes its own
        "messages": content("see", {"type": "image_url", "image_url": {"url": PICTURE}}),
        "logit_bias": {"50256": -100},
        "tool_choice": "auto",
        "seed": 7,
        "metadata": {},
    }
    verdict, fields = await sent(body)
    assert (verdict.n_findings, fields) == (0, body)


async def test_a_sealed_signature_comes_back_as_it_went() -> None:
    block = {"type": "thinking", "thinking": "hm", "signature": SIGNATURE}
    body = {"messages": [HI, {"role": "assistant", "content": "x", "thinking_blocks": [block]}]}
    guard = Guard(
        GuardsConfig(input=[CheckConfig(check="length", options={"max_chars": 50}, action="block")])
    )
    assert (await sent(body, guard))[1] == body


async def test_a_users_name_becomes_another_that_is_always_the_same() -> None:
    async def user_of(name: str, tenant: str) -> tuple[str | None, str | None]:
        request = ChatRequest.build({"messages": [HI], "user": name}, Caller(tenant, name))
        _, request = await email().check_input(request)
        return request.wire.user, request.caller.user

    ann, known = await user_of(MAIL, "a")
    assert (ann, known) == ((await user_of(MAIL, "a"))[0], MAIL)
    assert len({ann, (await user_of(MAIL, "b"))[0], (await user_of("bob@example.org", "a"))[0]}) == 3
    assert (await user_of("u-17", "a"))[0] == "u-17"


@pytest.mark.parametrize("stage", ["input", "tool_result"])
async def test_ids_of_tool_calls_still_match(stage: str) -> None:
    bob = "bob@example.org"
    calls = [
        {"id": i, "type": "function", "function": {"name": "f", "arguments": "{}"}} for i in (MAIL, bob, "c")
    ]
    results = [{"role": "tool", "tool_call_id": i, "content": "ok"} for i in (MAIL, bob, "c")]
    lists: dict[str, Any] = {"input": [], "tool_result": [], stage: [CheckConfig(check="email")]}
    _, fields = await sent(
        {"messages": [HI, {"role": "assistant", "tool_calls": calls}, *results]}, Guard(GuardsConfig(**lists))
    )
    ids = [c["id"] for c in fields["messages"][1]["tool_calls"]]
    assert ids == [m["tool_call_id"] for m in fields["messages"][2:]]
    assert len(set(ids)) == 3
    assert "@" not in "".join(ids)
    assert ids[2] == "c"


async def test_names_of_fields_stay_apart() -> None:
    metadata = {MAIL: "1", "bob@example.org": "2", "[EMAIL]": "3", "k": "4"}
    _, fields = await sent({"messages": [HI], "metadata": metadata})
    assert list(fields["metadata"].items()) == [
        ("[EMAIL]_2", "1"),
        ("[EMAIL]_3", "2"),
        ("[EMAIL]", "3"),
        ("k", "4"),
    ]


async def test_a_masked_name_is_masked_as_its_text_is() -> None:
    vault = Vault()
    request = ChatRequest.build(
        {"messages": [HI, {"role": "user", "content": MAIL}], "metadata": {MAIL: MAIL}}
    )
    _, request = await email("mask").check_input(request, masking=Masker(vault))
    assert json.loads(bytes(request.fields["metadata"])) == {"[EMAIL_1]": "[EMAIL_1]"}
    assert vault.restore("[EMAIL_1]") == MAIL


async def test_a_name_that_reads_as_a_placeholder_is_never_given_out() -> None:
    vault = Vault()
    masker = Masker(vault)
    body = {"messages": [{"role": "user", "content": MAIL}], "metadata": {"[EMAIL_1]": "mine"}}
    _, request = await email("mask").check_input(masker.own_words(ChatRequest.build(body)), masking=masker)
    assert request.messages[0].content == "[EMAIL_2]"


async def test_names_are_looked_at_anew_where_something_was_found() -> None:
    guard = email("block")
    for name in ("colour", MAIL, "colour", MAIL):
        body = {"messages": [HI], "metadata": {name: "x"}}
        if name == MAIL:
            with pytest.raises(GuardBlocked):
                await sent(body, guard)
        else:
            assert (await sent(body, guard))[0].n_findings == 0


async def test_a_value_over_parts_goes_from_each() -> None:
    image = {"type": "image_url", "image_url": {"url": PICTURE}}
    verdict, fields = await sent(
        {"messages": content(f"{MAIL} and ann@", "exam", image, "ple.org, bob@x.example")}
    )
    texts = [p.get("text") for p in fields["messages"][0]["content"]]
    assert texts == ["[EMAIL] and [EMAIL]", "", None, ", [EMAIL]"]
    assert verdict.n_findings == 3


async def test_a_masked_value_over_parts_comes_back_whole() -> None:
    vault = Vault()
    request = ChatRequest.build({"messages": content("to ann@exam", "ple.org now")})
    _, request = await email("mask").check_input(request, masking=Masker(vault))
    assert [p["text"] for p in json.loads(bytes(request.fields["messages"]))[0]["content"]] == [
        "to [EMAIL_1]",
        " now",
    ]
    assert vault.restore("[EMAIL_1]") == MAIL


@given(st.lists(st.integers(0, len(MAIL) + 16), max_size=6))
async def test_however_it_is_cut_it_goes_and_the_rest_stays(places: list[int]) -> None:
    whole = f"mail to {MAIL}, today"
    at = [0, *sorted(min(p, len(whole)) for p in places), len(whole)]
    parts = [whole[a:b] for a, b in pairwise(at)]
    _, fields = await sent({"messages": content(*parts)})
    assert "".join(p["text"] for p in fields["messages"][0]["content"]) == "mail to [EMAIL], today"


async def test_a_signed_link_keeps_what_opens_it_but_may_be_blocked() -> None:
    url = "https://b.s3.amazonaws.com/a.png?X-Amz-Credential=AKIAZ5XQ7TR2LMNBVCPD%2F2026&X-Amz-Expires=9"
    body = {"messages": content({"type": "image_url", "image_url": {"url": url}}, url)}
    _, fields = await sent(body, Guard(GuardsConfig()))
    link, text = fields["messages"][0]["content"]
    assert link["image_url"]["url"] == url
    assert "AKIA" not in text["text"]
    blocking = Guard(GuardsConfig(input=[CheckConfig(check="secrets", action="block")]))
    with pytest.raises(GuardBlocked):
        await sent({"messages": content(link)}, blocking)


class Judging:
    """A judge of one word."""

    name, kinds, max_len, reads_vector = "judging", ("BAD",), WHOLE_TEXT, False

    def __init__(self) -> None:
        self.floor = 0.0
        self.seen: list[str] = []

    def find(self, text: str) -> list[Finding]:
        self.seen.append(text)
        return [Finding("BAD", 0, len(text))] if "attack" in text else []

    def find_in(self, text: str, context: Context) -> list[Finding]:
        return self.find(text)

    def default_threshold(self, false_blocks: float) -> float:
        return 0.5


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Judging:
    made = Judging()
    monkeypatch.setattr(checks, "names", lambda: ("judging",))
    monkeypatch.setattr(checks, "make", lambda name, options: made)
    return made


async def test_judges_read_the_parts_of_a_message_as_one_too(judge: Judging) -> None:
    guard = Guard(GuardsConfig(input=[CheckConfig(check="judging")], output=[]))
    body = {"messages": content("hello ", "there"), "user": "u-1", "metadata": {"a": "b"}}
    assert (await sent(body, guard))[1] == body
    assert judge.seen == ["warm", "hello ", "there", "hello there"]
    with pytest.raises(GuardBlocked):
        await sent({"messages": content("att", "ack")}, guard)


async def test_what_a_judge_cuts_out_of_parts_goes_from_all(judge: Judging) -> None:
    guard = Guard(GuardsConfig(input=[CheckConfig(check="judging", action="redact")], output=[]))
    _, fields = await sent({"messages": content("att", "ack")}, guard)
    assert [p["text"] for p in fields["messages"][0]["content"]] == ["[BAD]", ""]
    verdict, _ = await sent({"messages": content("an attack", "so")}, guard)
    assert verdict.n_findings == 1


@pytest.mark.parametrize(
    "raw",
    [
        b'{"messages":[{"role":"user","content":"%b","content":"ok"}]}',
        b'{"messages":[{"role":"user","content":"%b","cont\\u0065nt":"ok"}]}',
        b'{"messages": [{"role": "user", "content": "hi"}], "metadata": {"a": "%b", "b": 1.5, "a": "ok"}}',
        b'{"messages":[{"role":"user","content":"hi"}],"metadata":{"x":[{"a":"%b","b":1e400,"a":""}],"y":"\xff"}}',
    ],
)
async def test_a_name_that_stands_twice_is_refused(raw: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        await email("log").check_input(ChatRequest.parse(raw % MAIL.encode()))
    assert caught.value.code == "duplicate_name"
    assert caught.value.param in ("messages", "metadata")
    assert MAIL not in str(caught.value)


JSON = st.recursive(
    st.text(max_size=5) | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(JSON, st.booleans(), st.sampled_from([None, 1]))
async def test_what_is_named_once_passes_as_it_was_written(
    value: Any, is_ascii: bool, indent: int | None
) -> None:
    raw = json.dumps({"messages": [HI], "more": value}, ensure_ascii=is_ascii, indent=indent)
    request = ChatRequest.parse(raw.encode())
    assert (await email("block").check_input(request))[1] is request
