"""Streams that hang, that run over, and whose reader is slow or gone, through the real server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.support.client import ask, post
from tests.support.served import Sections, Served, sections, tier, until, wait_until
from tests.support.upstream import Upstream

# until an upstream learns that the client left: about 5 ms, with room for a busy machine; unseen, it takes 30 s
LEFT_S = 1.0
Start = Callable[[Sections], Served]


def only(upstream: Upstream, model: str, **dispatch: Any) -> Sections:
    return sections({"only": tier(upstream.base_url, model)}, **dispatch)


class Reader:
    """A raw client, which reads as slowly as it likes and leaves when it likes."""

    async def open(self, server: Served, body: dict[str, Any]) -> Reader:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", server.port, limit=2**16)
        raw = msgspec.json.encode(body)
        head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        self.writer.write(f"{head}content-length: {len(raw)}\r\n\r\n".encode() + raw)
        return self

    async def read_until(self, mark: bytes) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(mark), 5)

    def leave(self) -> None:
        self.writer.transport.abort()


async def test_hangs_in_mid_stream(upstream: Upstream, served: Start) -> None:
    server = served(only(upstream, "mock-hangmid", stream_idle_timeout_s=0.3))
    got = await post(server.url, ask(stream=True))
    assert got.status == 200
    assert got.n_tokens == 1
    assert got.events[-1]["error"]["code"] == "tier_timeout"
    assert not got.is_done
    assert 0.3 <= got.seconds < 2
    wait_until(server.is_idle)
    wait_until(lambda: upstream.n_open == 0)
    assert upstream.n_aborted == 1


async def test_lasts_too_long(upstream: Upstream, served: Start) -> None:
    server = served(only(upstream, "mock-n1000-i20", stream_idle_timeout_s=5, stream_timeout_s=0.3))
    got = await post(server.url, ask(stream=True))
    assert got.events[-1]["error"]["message"] == "tier only: the stream is over stream_timeout_s"
    assert not got.is_done
    assert got.n_tokens >= 2
    wait_until(lambda: upstream.n_open == 0)


async def test_slow_but_steady_is_fine(upstream: Upstream, served: Start) -> None:
    """Longer than the idle time in all, and than the deadline of the first token, but never silent."""
    server = served(only(upstream, "mock-n20-i30", timeout_s=0.5, stream_idle_timeout_s=0.3))
    got = await post(server.url, ask(stream=True))
    assert got.n_tokens == 20
    assert got.is_done


@pytest.mark.parametrize("fault", ["huge", "endless"])
async def test_runs_over(fault: str, upstream: Upstream, served: Start) -> None:
    server = served(only(upstream, f"mock-{fault}", max_answer_bytes=200_000))
    got = await post(server.url, ask(stream=True))
    assert got.status == 200
    assert got.events[-1]["error"]["code"] == "stream_broken"
    assert len(got.body) < 250_000
    wait_until(lambda: upstream.n_open == 0)


async def test_client_gone_in_mid_stream(upstream: Upstream, served: Start) -> None:
    """The upstream is told, and what was streamed is paid."""
    server = served(only(upstream, "mock-n4000-i10"))
    records = record(server)
    client = await Reader().open(server, ask(stream=True))
    for _ in range(5):
        await client.read_until(b" tk")
    client.leave()
    await until(lambda: upstream.n_aborted == 1, LEFT_S)
    await until(server.is_idle)
    [r] = records
    assert (r.status, r.error) == (499, "cancelled")
    assert 5 <= r.n_output_tokens < 100
    assert r.cost_usd == pytest.approx((r.n_input_tokens * 1 + r.n_output_tokens * 2) / 1e6)
    assert server.n_tasks <= 2


@pytest.mark.parametrize("stream", [False, True])
async def test_client_gone_before_the_answer(stream: bool, upstream: Upstream, served: Start) -> None:
    server = served(only(upstream, "mock-hanghead", timeout_s=30))
    records = record(server)
    client = await Reader().open(server, ask(stream=stream))
    await until(lambda: upstream.n_requests == 1)
    client.leave()
    await until(lambda: upstream.n_aborted == 1, LEFT_S)
    await until(server.is_idle)
    [r] = records
    assert r.status == 499
    assert server.n_tasks <= 2


async def test_slow_reader_holds_the_upstream_back(upstream: Upstream, served: Start) -> None:
    """Nothing piles up in the server for a client that doesn't read; in the end it gets everything."""
    n_tokens = 40_000  # 7 MB of events
    server = served(only(upstream, f"mock-n{n_tokens}"))
    client = await Reader().open(server, ask(stream=True))
    await client.read_until(b" tk")
    stream_events = server.well.pipeline.tiers["only"].deployments[0]
    assert stream_events.n_in_flight == 1
    await asyncio.sleep(0.3)
    assert stream_events.n_in_flight == 1  # not read to its end: held back
    n_seen = 1
    while b"[DONE]" not in (data := await client.reader.read(2**16)):
        n_seen += data.count(b'" tk"')
    assert n_seen > n_tokens * 0.9  # a token may be cut by the edge of a read
    client.leave()
    wait_until(server.is_idle)


async def test_a_reader_that_stops_is_let_go(upstream: Upstream, served: Start) -> None:
    server = served(only(upstream, "mock-n40000", stream_timeout_s=0.4))
    client = await Reader().open(server, ask(stream=True))
    await client.read_until(b" tk")
    await until(server.is_idle)
    await until(lambda: upstream.n_open == 0)
    client.leave()


def record(server: Served) -> list[Any]:
    """Every record from now on."""
    records: list[Any] = []
    server.well.pipeline.record._sinks.append(records.append)
    return records
