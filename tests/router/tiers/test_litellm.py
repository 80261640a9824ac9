"""The litellm backend: the real library against the mock upstream; what a caller may not reach."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from stepwell.base.errors import StreamBroken, TierError, TierRefused, TierTimeout, TierUnavailable
from stepwell.base.request import ChatRequest
from stepwell.router.tiers.base import Outgoing
from stepwell.router.tiers.litellm import CALLER_FIELDS, LitellmBackend
from tests.support.upstream import Connection, Upstream

# litellm's own use of pydantic warns
pytestmark = pytest.mark.filterwarnings("ignore")

KEY = "sk-the-operators"
SETTINGS = ["api_base", "base_url", "api_key", "mock_response", "fallbacks", "num_retries", "extra_headers"]


def backend(upstream: Upstream, model: str = "mock-n3", **params: Any) -> LitellmBackend:
    return LitellmBackend(
        tier="t",
        outgoing=Outgoing(f"openai/{model}", params=params),
        max_answer_bytes=2**20,
        api_key=KEY,
        base_url=upstream.base_url,
    )


def asking(**fields: Any) -> ChatRequest:
    return ChatRequest.build({"messages": [{"role": "user", "content": "hi"}], **fields})


async def test_a_whole_answer_with_the_callers_fields(upstream: Upstream) -> None:
    completed = await backend(upstream, top_p=0.5).complete(asking(seed=7, temperature=0.1))
    assert completed.answer.text == " tk tk tk"
    sent = msgspec.json.decode(upstream.state.bodies[-1])
    assert (sent["model"], sent["seed"], sent["temperature"], sent["top_p"]) == ("mock-n3", 7, 0.1, 0.5)


async def test_a_stream_ends_properly(upstream: Upstream) -> None:
    events = [e async for batch in backend(upstream).stream(asking()) for e in batch]
    text = "".join(c.delta.content or "" for e in events for c in e.chunk.choices)
    assert text == " tk tk tk"


@pytest.mark.parametrize("field", SETTINGS)
async def test_a_caller_cannot_set_litellm_up(upstream: Upstream, field: str) -> None:
    with Upstream() as theirs:
        request = asking(**{field: theirs.base_url})
        with pytest.raises(TierRefused) as caught:
            await backend(upstream).complete(request)
        with pytest.raises(TierRefused):
            await anext(backend(upstream).stream(request))
        assert theirs.state.counts["requests"] == 0
    assert theirs.base_url not in str(caught.value)
    assert not caught.value.is_retryable
    assert not caught.value.was_billed


@given(st.text(min_size=1).filter(lambda name: name not in CALLER_FIELDS))
async def test_only_known_fields_pass(name: str) -> None:
    made = LitellmBackend(tier="t", outgoing=Outgoing("openai/x"), max_answer_bytes=1, api_key=KEY)
    with pytest.raises(TierRefused):
        await made.complete(asking(**{name: "a value"}))


async def test_without_a_key_the_environments_own_stays_here(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads: list[bytes] = []
    answer = Connection._answer

    def watch(self: Connection, head: bytes, body: bytes) -> None:
        heads.append(head)
        answer(self, head, body)

    monkeypatch.setattr(Connection, "_answer", watch)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    made = LitellmBackend(
        tier="t", outgoing=Outgoing("openai/mock"), max_answer_bytes=2**20, base_url=upstream.base_url
    )
    await made.complete(asking())
    assert len(heads) == 1
    assert KEY.encode() not in heads[0]


async def test_the_operators_address_wins_over_params(upstream: Upstream) -> None:
    completed = await backend(upstream, api_base="http://127.0.0.1:9", num_retries=3).complete(asking())
    assert completed.answer.text == " tk tk tk"


@pytest.mark.parametrize(
    ("status", "kind", "was_billed"),
    [(408, TierTimeout, True), (504, TierError, True), (503, TierError, False), (400, TierRefused, False)],
)
def test_a_timeout_may_have_been_billed(
    upstream: Upstream, status: int, kind: type[TierError], was_billed: bool
) -> None:
    e = RuntimeError("the prompt")
    e.status_code = status  # type: ignore[attr-defined]
    error = backend(upstream)._mapped(e)
    assert isinstance(error, kind)
    assert error.was_billed is was_billed
    assert "prompt" not in str(error)


async def test_one_choice_of_two_is_no_end(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    class Piece:
        def __init__(self, index: int, reason: str | None) -> None:
            self._choice = {"index": index, "delta": {"content": "x"}, "finish_reason": reason}

        def model_dump_json(self, **_: Any) -> str:
            return msgspec.json.encode({"choices": [self._choice]}).decode()

    async def pieces() -> Any:
        for piece in (Piece(0, None), Piece(1, None), Piece(0, "stop")):
            yield piece

    made = backend(upstream)

    async def call(*_: Any, **__: Any) -> Any:
        return pieces()

    monkeypatch.setattr(made, "_call", call)
    with pytest.raises(StreamBroken):
        [e async for e in made.stream(asking(n=2))]


async def test_an_answer_that_no_utf8_can_say_is_a_tier_s_error(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Half(BaseModel):
        content: str = "\ud800"

    made = backend(upstream)

    async def call(*_: Any, **__: Any) -> Any:
        return Half()

    monkeypatch.setattr(made, "_call", call)
    with pytest.raises(TierUnavailable) as caught:
        await made.complete(asking())
    assert caught.value.was_billed
