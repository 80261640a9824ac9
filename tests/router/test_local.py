"""The local tier's process: started once, started again when it dies, and never left behind.

llama.cpp and its weights are stood in for by the mock upstream, run through the same command line.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from stepwell.base.errors import TierUnavailable
from stepwell.base.request import ChatRequest
from stepwell.router.tiers import local
from stepwell.router.tiers.base import Outgoing
from stepwell.router.tiers.http import HttpBackend
from stepwell.router.tiers.local import LocalBackend
from stepwell.router.tiers.transport import AiohttpTransport
from tests.support.upstream import Upstream

REQUEST = ChatRequest.build({"messages": [{"role": "user", "content": "hi"}]})
SERVER = """
import sys
print("{address}", flush=True)
sys.stdin.buffer.read()
"""


class House:
    """A local backend whose program prints `address` in place of llama.cpp's, in `folder`."""

    def __init__(self, folder: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        package = folder / "stand_in"
        package.mkdir()
        (package / "run.py").write_text(SERVER.format(address=address))
        self.starts = folder / "starts"
        program = folder / "python"
        program.write_text(
            f'#!/bin/sh\necho $$ >> {self.starts}\nexec {sys.executable} {package / "run.py"} "$@"\n'
        )
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))
        monkeypatch.setattr(local, "missing", lambda path: None)
        self.transport = AiohttpTransport(1.0)
        self.backend = LocalBackend(
            tier="local",
            path=folder / "x.gguf",
            connect=self._connect,
            n_threads=1,
            n_parallel=1,
            window_tokens=64,
        )

    def _connect(self, base_url: str) -> HttpBackend:
        return HttpBackend(
            tier="local",
            base_url=base_url,
            outgoing=Outgoing("mock-n3"),
            transport=self.transport,
            max_answer_bytes=2**20,
        )

    @property
    def pids(self) -> list[int]:
        return [int(line) for line in self.starts.read_text().split()]

    async def close(self) -> None:
        await self.backend.close()
        await self.transport.close()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_started_once_for_all_and_ended(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, f"http://127.0.0.1:{upstream.port}", monkeypatch)
    found = await asyncio.gather(*(house.backend.complete(REQUEST) for _ in range(5)))
    assert [c.answer.text for c in found] == [" tk tk tk"] * 5
    [pid] = house.pids
    assert is_alive(pid)
    await house.close()
    assert not is_alive(pid)


async def test_streams(tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(tmp_path, f"http://127.0.0.1:{upstream.port}", monkeypatch)
    texts = [
        c.delta.content
        async for events in house.backend.stream(REQUEST)
        for e in events
        for c in e.chunk.choices
        if c.delta.content
    ]
    assert texts == [" tk"] * 3
    await house.close()


async def test_started_again_after_it_died(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, f"http://127.0.0.1:{upstream.port}", monkeypatch)
    await house.backend.complete(REQUEST)
    os.kill(house.pids[0], signal.SIGKILL)
    async with asyncio.timeout(10):
        while len(house.pids) < 2:
            await house.backend.complete(REQUEST)
            await asyncio.sleep(0.01)
    await house.close()
    assert not any(is_alive(p) for p in house.pids)


async def test_a_caller_who_leaves_does_not_stop_the_start(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, f"http://127.0.0.1:{upstream.port}", monkeypatch)
    leaves = asyncio.create_task(house.backend.complete(REQUEST))
    stays = asyncio.create_task(house.backend.complete(REQUEST))
    await asyncio.sleep(0.001)
    leaves.cancel()
    assert (await stays).answer.text == " tk tk tk"
    assert len(house.pids) == 1
    await house.close()


async def test_a_program_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(tmp_path, "no address", monkeypatch)
    with pytest.raises(TierUnavailable, match="did not start"):
        await house.backend.complete(REQUEST)
    await house.close()
    assert not any(is_alive(p) for p in house.pids)


async def test_without_weights_it_says_what_is_missing() -> None:
    def connect(base_url: str) -> HttpBackend:
        raise AssertionError("nothing to connect to")

    backend = LocalBackend(
        tier="local", path=None, connect=connect, n_threads=1, n_parallel=1, window_tokens=64
    )
    with pytest.raises(TierUnavailable) as e:
        await backend.complete(REQUEST)
    assert not e.value.is_retryable
    assert "lacks" in str(e.value)
    await backend.close()
