"""The in-process transport: streams as it comes, and a reader that leaves is heard."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest

from stepwell.front.openai_client import App, AsgiTransport

HEADERS = [(b"content-type", b"text/plain"), (b"x-tier", b"local")]


def client_of(app: App, timeout_s: float = 5) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=AsgiTransport(app), base_url="http://well", timeout=timeout_s)


async def start(send: Any, status: int = 200) -> None:
    await send({"type": "http.response.start", "status": status, "headers": HEADERS})


async def echo(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
    message = await receive()
    await start(send, 201)
    seen = f"{scope['method']} {scope['path']}?{scope['query_string'].decode()} ".encode()
    await send({"type": "http.response.body", "body": seen + message["body"]})


async def test_a_request_and_its_answer_arrive_whole() -> None:
    async with client_of(echo) as client:
        answer = await client.post("/v1/x%20y?a=1", content=b"hello")
    assert answer.status_code == 201
    assert answer.headers["x-tier"] == "local"
    assert answer.text == "POST /v1/x y?a=1 hello"


async def test_each_piece_is_read_before_the_next_is_made() -> None:
    may_go_on = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await start(send)
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await may_go_on.wait()  # set only once the reader has "one": a transport that buffers would hang
        await send({"type": "http.response.body", "body": b"two"})

    pieces = []
    async with client_of(app) as client, client.stream("GET", "/") as answer:
        async for piece in answer.aiter_raw():
            pieces.append(piece)
            may_go_on.set()
    assert pieces == [b"one", b"two"]


async def test_a_reader_that_leaves_reaches_the_app_as_disconnect() -> None:
    heard: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await start(send)
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        heard.append((await receive())["type"])

    async with client_of(app) as client:
        async with client.stream("GET", "/") as answer:
            async for _ in answer.aiter_raw():
                break
        assert heard == ["http.disconnect"]


async def test_an_app_ahead_of_a_reader_that_leaves_is_let_go() -> None:
    n_sent = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal n_sent
        await start(send)
        for _ in range(1000):
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            n_sent += 1

    async with client_of(app) as client:
        async with client.stream("GET", "/") as answer:
            async for _ in answer.aiter_raw():
                break
            assert n_sent < 100  # bounded: the app waits for its reader
        assert n_sent == 1000  # and is not left hanging in a send


async def test_a_cancelled_caller_reaches_the_app_as_disconnect() -> None:
    heard: list[str] = []
    is_in, is_out = asyncio.Event(), asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        is_in.set()
        heard.append((await receive())["type"])
        is_out.set()

    async with client_of(app) as client:
        call = asyncio.create_task(client.get("/"))
        await is_in.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(is_out.wait(), 5)
    assert heard == ["http.disconnect"]


async def test_an_app_that_fails_is_a_transport_error_with_its_cause() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("broken")

    async with client_of(app) as client:
        with pytest.raises(httpx.RemoteProtocolError) as caught:
            await client.get("/")
    assert isinstance(caught.value.__cause__, RuntimeError)


async def test_an_answer_that_breaks_off_is_no_clean_end() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await start(send)
        await send({"type": "http.response.body", "body": b"one", "more_body": True})

    async with client_of(app) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/")


async def test_the_clients_read_timeout_holds() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await receive()

    async with client_of(app, timeout_s=0.05) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/")


async def test_closing_the_client_leaves_no_task() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await start(send)
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await receive()

    before = asyncio.all_tasks()
    client = client_of(app)
    await client.send(client.build_request("GET", "/"), stream=True)
    await client.aclose()
    assert asyncio.all_tasks() == before
