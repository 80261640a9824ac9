"""The HTTP backend against the mock upstream, without the rest of the house."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from stepwell.base.assemble import Assembler
from stepwell.base.errors import RateLimited, StreamBroken, TierError, TierRefused, TierUnavailable
from stepwell.base.request import ChatRequest
from stepwell.router.tiers.base import Outgoing
from stepwell.router.tiers.http import HttpBackend
from stepwell.router.tiers.transport import AiohttpTransport, Transport
from tests.support.served import until
from tests.support.upstream import Upstream

REQUEST = ChatRequest.build(
    {"messages": [{"role": "user", "content": "hi"}], "logit_bias": {"1": 2}, "seed": 7}
)


@pytest.fixture(params=[AiohttpTransport])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    made: Transport = request.param(1.0)
    yield made
    await made.close()


def backend(upstream: Upstream, transport: Transport, model: str, max_bytes: int = 2**20) -> HttpBackend:
    return HttpBackend(
        tier="t",
        base_url=upstream.base_url + "/",
        outgoing=Outgoing(model),
        transport=transport,
        max_answer_bytes=max_bytes,
        api_key="sk-mock",
    )


async def read(source: HttpBackend) -> Assembler:
    assembler = Assembler()
    async for events in source.stream(REQUEST):
        assembler.add(events)
    return assembler


async def test_a_whole_answer(upstream: Upstream, transport: Transport) -> None:
    completed = await backend(upstream, transport, "mock-n3").complete(REQUEST)
    assert completed.answer.text == " tk tk tk"
    assert completed.answer.usage is not None
    assert completed.answer.usage.completion_tokens == 3
    sent = msgspec.json.decode(upstream.state.bodies[-1])
    assert sent["model"] == "mock-n3"
    assert sent["logit_bias"] == {"1": 2}  # a field that nobody here knows travels on
    assert sent["seed"] == 7


@pytest.mark.parametrize("how", ["ok", "dribble", "hangdone"])
async def test_a_stream(how: str, upstream: Upstream, transport: Transport) -> None:
    got = await read(backend(upstream, transport, f"mock-n5-{how}"))
    assert got.answer().text == " tk" * 5
    assert got.usage is not None
    assert got.usage.completion_tokens == 5
    assert msgspec.json.decode(upstream.state.bodies[-1])["stream_options"] == {"include_usage": True}


async def test_connections_are_kept(upstream: Upstream, transport: Transport) -> None:
    source = backend(upstream, transport, "mock-n5")
    for _ in range(5):
        await source.complete(REQUEST)
        await read(source)
    assert upstream.n_open == 1


@pytest.mark.parametrize("fault", ["cut", "reset", "unfinished", "errorevent", "garbage", "early", "html"])
async def test_a_broken_stream_is_never_a_clean_end(
    fault: str, upstream: Upstream, transport: Transport
) -> None:
    with pytest.raises(StreamBroken) as e:
        await read(backend(upstream, transport, f"mock-n5-{fault}"))
    assert e.value.was_billed
    assert "SECRET" not in str(e.value)


@pytest.mark.parametrize("fault", ["huge", "endless"])
async def test_a_stream_without_end(fault: str, upstream: Upstream, transport: Transport) -> None:
    with pytest.raises(StreamBroken, match="max_answer_bytes"):
        await read(backend(upstream, transport, f"mock-{fault}", max_bytes=300_000))
    await until(lambda: upstream.n_open == 0)
    assert upstream.n_aborted == 1


@pytest.mark.parametrize(
    ("model", "kind", "status", "is_retryable"),
    [
        ("mock-e429-r7", RateLimited, 429, True),
        ("mock-e500", TierUnavailable, 500, True),
        ("mock-e401", TierUnavailable, 401, False),
        ("mock-e404", TierUnavailable, 404, False),
        ("mock-e302", TierUnavailable, 302, True),
        ("mock-e422", TierRefused, 422, False),
    ],
)
async def test_statuses(
    model: str,
    kind: type[TierError],
    status: int,
    is_retryable: bool,
    upstream: Upstream,
    transport: Transport,
) -> None:
    with pytest.raises(kind) as e:
        await backend(upstream, transport, model).complete(REQUEST)
    assert e.value.upstream_status == status
    assert e.value.is_retryable is is_retryable
    assert e.value.retry_after_s == (7 if status == 429 else None)
    assert str(e.value) == f"tier t: the upstream answered {status} (mock_{status})"


@pytest.mark.parametrize("fault", ["garbage", "html", "empty", "cut", "reset", "drop", "huge"])
async def test_no_answer(fault: str, upstream: Upstream, transport: Transport) -> None:
    with pytest.raises(TierUnavailable) as e:
        await backend(upstream, transport, f"mock-n5-{fault}").complete(REQUEST)
    assert e.value.was_billed


async def test_nobody_listens(transport: Transport) -> None:
    source = HttpBackend(
        tier="t",
        base_url="http://127.0.0.1:9/v1",
        outgoing=Outgoing("m"),
        transport=transport,
        max_answer_bytes=9,
    )
    with pytest.raises(TierUnavailable) as e:
        await source.complete(REQUEST)
    assert not e.value.was_billed


@pytest.mark.parametrize("model", ["mock-hanghead", "mock-hangmid"])
async def test_a_cancelled_call_lets_go(model: str, upstream: Upstream, transport: Transport) -> None:
    source = backend(upstream, transport, model)
    for work in (source.complete(REQUEST), read(source)):
        task = asyncio.ensure_future(work)
        n = upstream.n_requests
        await until(lambda n=n: upstream.n_requests > n)  # type: ignore[misc]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: upstream.n_open == 0)
    assert upstream.n_aborted == 2
