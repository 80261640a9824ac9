"""The transport: what is sent, what it lets go of, and what it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from stepwell.router.tiers.transport import AiohttpTransport, TooLarge, TransportError
from tests.support.served import until
from tests.support.upstream import Upstream

HEADERS = {"content-type": "application/json"}


@pytest.fixture
async def transport() -> AsyncIterator[AiohttpTransport]:
    made = AiohttpTransport(0.5)
    yield made
    await made.close()
    await made.close()


def body(model: str, *, stream: bool = False) -> bytes:
    return b'{"model":"%s","stream":%s}' % (model.encode(), b"true" if stream else b"false")


def url(upstream: Upstream) -> str:
    return f"{upstream.base_url}/chat/completions"


async def test_sends_no_cookie_and_no_name_of_ours(transport: AiohttpTransport) -> None:
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            await reader.readexactly(2)
            writer.write(b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for _ in range(2):
            response = await transport.post(f"http://127.0.0.1:{port}/v1", HEADERS, b"{}")
            assert await response.read(100) == b"{}"
            await response.close()
    names = [line.split(b":")[0].lower() for line in heads[1].split(b"\r\n")[1:] if line]
    assert sorted(names) == [b"content-length", b"content-type", b"host"]


async def test_follows_no_redirect(transport: AiohttpTransport, upstream: Upstream) -> None:
    response = await transport.post(url(upstream), HEADERS, body("mock-e307"))
    assert response.status == 307
    await response.close()
    assert upstream.n_requests == 1


async def test_a_read_answer_leaves_its_connection_for_the_next(
    transport: AiohttpTransport, upstream: Upstream
) -> None:
    for _ in range(3):
        response = await transport.post(url(upstream), HEADERS, body("mock-n2"))
        await response.read(10_000)
        await response.close()
    assert upstream.n_open == 1


async def test_an_unread_answer_closes_its_connection(
    transport: AiohttpTransport, upstream: Upstream
) -> None:
    response = await transport.post(url(upstream), HEADERS, body("mock-hangmid", stream=True))
    await response.close()
    await until(lambda: upstream.n_aborted == 1)
    assert upstream.n_open == 0


@pytest.mark.parametrize("model", ["mock-n900000", "mock-huge"])  # with a content-length, and without
async def test_too_large(model: str, transport: AiohttpTransport, upstream: Upstream) -> None:
    response = await transport.post(url(upstream), HEADERS, body(model))
    with pytest.raises(TooLarge):
        await response.read(1000)
    await response.close()
    await until(lambda: upstream.n_open == 0)


async def test_says_whether_the_request_went_out(transport: AiohttpTransport, upstream: Upstream) -> None:
    with pytest.raises(TransportError) as e:
        await transport.post("http://127.0.0.1:9/", HEADERS, b"{}")
    assert not e.value.was_sent
    with pytest.raises(TransportError) as e:
        await transport.post(url(upstream), HEADERS, body("mock-drop"))
    assert e.value.was_sent


async def test_drain_waits_for_the_end_but_not_for_long(
    transport: AiohttpTransport, upstream: Upstream
) -> None:
    late = await transport.post(url(upstream), HEADERS, body("mock-n2-i20", stream=True))
    await late.drain(5)
    await late.close()
    assert upstream.n_open == 1
    never = await transport.post(url(upstream), HEADERS, body("mock-hangmid", stream=True))
    await never.drain(0.05)
    await never.close()
    await until(lambda: upstream.n_open == 0)
