"""A mock of the OpenAI chat API on loopback, with every fault that an upstream can have.

Standard library only, one asyncio.Protocol a connection. `Upstream` runs it in a thread; as a program
(`python -m tests.support.upstream`) it prints its port and serves until its standard input closes.
"""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections import Counter, deque
from collections.abc import Coroutine, Iterator
from types import TracebackType
from typing import Any, cast

from tests.support import payloads
from tests.support.behaviour import Behaviour, behaviour
from tests.support.responder import respond

KEY_ENV = "STEPWELL_TEST_KEY"
_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_MODEL = re.compile(rb'"model"\s*:\s*"([^"]*)"')
_STREAM = re.compile(rb'"stream"\s*:\s*true')
_USAGE = re.compile(rb'"include_usage"\s*:\s*true')


class State:
    """What the mock has seen. Counters: requests, streams, aborted (left by the client in mid-answer)."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.by_model: Counter[str] = Counter()
        self.connections: set[Connection] = set()
        self.script: deque[str] = deque()
        self.bodies: deque[bytes] = deque(maxlen=64)
        self.keeps_bodies = True


class Connection(asyncio.Protocol):
    """One client. Answers one request at a time, as HTTP/1.1 clients without pipelining want it."""

    transport: asyncio.Transport

    def __init__(self, state: State) -> None:
        self._state = state
        self._data = b""
        self._work: asyncio.Task[None] | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._state.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._state.connections.discard(self)
        if self._work is not None:
            self._state.counts["aborted"] += 1
            self._work.cancel()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    async def drain(self) -> None:
        await self._may_write.wait()

    def data_received(self, data: bytes) -> None:
        self._data = data = self._data + data if self._data else data
        end = data.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        length = _LENGTH.search(data, 0, end)
        n = end + (int(length[1]) if length is not None else 0)
        if len(data) >= n:
            self._data = data[n:]
            self._answer(data[:end], data[end:n])

    def _answer(self, head: bytes, body: bytes) -> None:
        if not head.startswith(b"POST "):  # routers ask for /health
            self.transport.write(payloads.sized(200, b'{"status":"ok"}'))
            return
        state = self._state
        found = _MODEL.search(body)
        model = found[1].decode() if found is not None else "mock"
        state.counts["requests"] += 1
        state.by_model[model] += 1
        if state.keeps_bodies:
            state.bodies.append(body)
        how = self._how(state.script.popleft() if state.script else model, state.by_model[model])
        is_stream = _STREAM.search(body) is not None
        if how.fault == "ok" and not how.delay_s and not is_stream and how.status == 200:
            self.transport.write(payloads.sized(200, payloads.answer(model, how.n_tokens)))
            return
        state.counts["streams"] += is_stream
        has_usage = is_stream and _USAGE.search(body) is not None
        self._work = asyncio.get_running_loop().create_task(self._run(how, model, is_stream, has_usage))

    def _how(self, model: str, n_seen: int) -> Behaviour:
        how = behaviour(model)
        return how if n_seen % how.every == 0 else Behaviour(n_tokens=how.n_tokens)

    async def _run(self, how: Behaviour, model: str, is_stream: bool, has_usage: bool) -> None:
        if how.delay_s:
            await asyncio.sleep(how.delay_s)
        await respond(self, how, model, is_stream=is_stream, has_usage=has_usage)
        self._work = None


async def serve(state: State, port: int = 0) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Connection(state), "127.0.0.1", port, backlog=1024)


class Upstream:
    """The mock in a thread of its own, so that neither test nor server can starve it."""

    def __init__(self) -> None:
        self.state = State()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="upstream", daemon=True)

    def __enter__(self) -> Upstream:
        self._thread.start()
        self._server = self._call(serve(self.state))
        self.port = int(self._server.sockets[0].getsockname()[1])
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        for connection in list(self.state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def script(self, *models: str) -> None:
        """The next requests get these behaviours in turn, whatever model they name."""
        self.state.script.extend(models)

    @property
    def n_requests(self) -> int:
        return self.state.counts["requests"]

    @property
    def n_aborted(self) -> int:
        """Answers that the client left before their end."""
        return self.state.counts["aborted"]

    @property
    def n_open(self) -> int:
        """Connections open now."""
        return len(self.state.connections)


def main(port: int) -> None:
    import uvloop

    async def run() -> None:
        state = State()
        state.keeps_bodies = False
        server = await serve(state, port)
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
        server.close()

    uvloop.run(run())


def lines(data: bytes) -> Iterator[bytes]:
    """The payloads of an SSE body, in order."""
    return (b[6:] for b in data.split(b"\n\n") if b.startswith(b"data: "))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
