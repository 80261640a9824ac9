"""The local tier's process: started once for all, started again when it dies, and never left behind.

llama.cpp and its weights are stood in for by the mock upstream, run through the same command line.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from stepwell.base.errors import TierUnavailable
from stepwell.base.request import ChatRequest
from stepwell.router.tiers.base import Outgoing
from stepwell.router.tiers.bundle import file_sha256
from stepwell.router.tiers.http import HttpBackend
from stepwell.router.tiers.local import LocalBackend
from stepwell.router.tiers.local_server import Started
from stepwell.router.tiers.local_servers import LocalServer, LocalServers
from stepwell.router.tiers.transport import AiohttpTransport
from tests.support.upstream import Upstream

REQUEST = ChatRequest.build({"messages": [{"role": "user", "content": "hi"}]})
# one that dies of its first requests, as a real one may of any
SERVER = """
import os, sys, threading, time
with open({starts!r}, "a") as f:
    print(os.getpid(), sys.argv[-1], file=f, flush=True)
n_starts = len(open({starts!r}).readlines())
if n_starts <= {n_silent}:
    {silence}
address = {address!r}
if n_starts <= {n_dying}:
    import socket
    door = socket.create_server(("127.0.0.1", 0))
    address = "http://127.0.0.1:%d" % door.getsockname()[1]
    def die():
        door.accept()[0].recv(64)
        os._exit(9)
    threading.Thread(target=die, daemon=True).start()
print(address, flush=True)
sys.stdin.buffer.read()
"""


class House:
    """Local backends whose program prints `address` in place of llama.cpp's, in `folder`.

    Args:
        n_dying: So many starts die of their first request.
        n_silent: So many starts do `silence` before they have an address.
    """

    def __init__(
        self,
        folder: Path,
        address: str,
        monkeypatch: pytest.MonkeyPatch,
        *,
        n_dying: int = 0,
        n_silent: int = 0,
        silence: str = "sys.exit(1)",
        max_memory_mb: int | None = None,
        max_restarts: int = 4,
    ) -> None:
        self.starts = folder / "starts"
        package = folder / "run.py"
        package.write_text(
            SERVER.format(
                starts=str(self.starts), address=address, n_dying=n_dying, n_silent=n_silent, silence=silence
            )
        )
        program = folder / "python"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {package} "$@"\n')
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))
        self.transport = AiohttpTransport(1.0)
        self.server = LocalServer(
            folder / "x.gguf", max_memory_mb=max_memory_mb, max_restarts=max_restarts, within_s=3600.0
        )
        self.server.take(window_tokens=64)
        self.backend = self.another("local")

    def another(self, tier: str, adapter: int | None = None) -> LocalBackend:
        return LocalBackend(tier=tier, server=self.server, connect=self._connect, adapter=adapter)

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
        return [int(line.split()[0]) for line in self.starts.read_text().splitlines()]

    @property
    def started(self) -> Started:
        last = self.starts.read_text().splitlines()[-1]
        return msgspec.json.decode(last.partition(" ")[2], type=Started)

    async def close(self) -> None:
        await self.server.close()
        await self.transport.close()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def put_in_place(path: Path, content: bytes) -> None:
    fresh = path.with_name("fresh")
    fresh.write_bytes(content)
    fresh.replace(path)


async def kill(house: House) -> None:
    """And wait until its parent knows."""
    assert house.server.pid is not None
    os.kill(house.server.pid, signal.SIGKILL)
    for _ in range(1000):
        if house.server.pid is None:
            break
        await asyncio.sleep(0.01)


def address_of(upstream: Upstream) -> str:
    return f"http://127.0.0.1:{upstream.port}"


async def pieces(backend: LocalBackend) -> AsyncIterator[str]:
    async for events in backend.stream(REQUEST):
        for event in events:
            for choice in event.chunk.choices:
                if choice.delta.content:
                    yield choice.delta.content


async def test_started_once_for_all_and_ended(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, address_of(upstream), monkeypatch)
    backends = [house.backend, house.another("other")]
    found = await asyncio.gather(*(b.complete(REQUEST) for b in backends for _ in range(4)))
    assert [c.answer.text for c in found] == [" tk tk tk"] * 8
    [pid] = house.pids
    assert pid == house.server.pid
    await house.close()
    assert not is_alive(pid)


async def test_streams(tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(tmp_path, address_of(upstream), monkeypatch)
    assert [text async for text in pieces(house.backend)] == [" tk"] * 3
    await house.close()


async def test_who_waits_while_it_dies_is_asked_again_by_one_restart(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, address_of(upstream), monkeypatch, n_dying=2)
    found = await asyncio.gather(*(house.backend.complete(REQUEST) for _ in range(5)))
    assert [c.answer.text for c in found] == [" tk tk tk"] * 5
    assert len(house.pids) == 3
    await house.close()
    assert not any(is_alive(p) for p in house.pids)


async def test_a_stream_is_asked_again_before_its_first_event(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, address_of(upstream), monkeypatch, n_dying=2)
    assert [text async for text in pieces(house.backend)] == [" tk"] * 3
    assert len(house.pids) == 3
    await house.close()


async def test_a_request_that_kills_it_is_asked_again_twice_and_no_more(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, address_of(upstream), monkeypatch, n_dying=9)
    with pytest.raises(TierUnavailable, match="connection failed"):
        await house.backend.complete(REQUEST)
    assert len(house.pids) == 3
    with pytest.raises(TierUnavailable):
        _ = [text async for text in pieces(house.another("streams"))]
    await house.close()


async def test_after_so_many_restarts_it_is_unavailable_for_a_while(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, address_of(upstream), monkeypatch, n_dying=9, max_restarts=1)
    with pytest.raises(TierUnavailable, match="ended 2 times within 3600 s") as e:
        await house.backend.complete(REQUEST)
    assert e.value.retry_after_s is not None
    assert 3000 < e.value.retry_after_s <= 3600
    assert len(house.pids) == 2
    await house.close()


async def test_a_killed_one_is_started_again(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, address_of(upstream), monkeypatch)
    await house.backend.complete(REQUEST)
    os.kill(house.pids[0], signal.SIGKILL)
    async with asyncio.timeout(10):
        while len(house.pids) < 2:
            await house.backend.complete(REQUEST)
            await asyncio.sleep(0.01)
    await house.close()
    assert not any(is_alive(p) for p in house.pids)


@pytest.mark.skipif(sys.platform != "linux", reason="a halted process is known on Linux")
async def test_a_halted_one_is_replaced(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, address_of(upstream), monkeypatch)
    await house.backend.complete(REQUEST)
    os.kill(house.pids[0], signal.SIGSTOP)
    async with asyncio.timeout(10):
        while len(house.pids) < 2:
            await house.backend.complete(REQUEST)
            await asyncio.sleep(0.01)
    assert not is_alive(house.pids[0])
    await house.close()


async def test_a_caller_who_leaves_does_not_stop_the_start(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, address_of(upstream), monkeypatch)
    leaves = asyncio.create_task(house.backend.complete(REQUEST))
    stays = asyncio.create_task(house.backend.complete(REQUEST))
    await asyncio.sleep(0.001)
    leaves.cancel()
    assert (await stays).answer.text == " tk tk tk"
    assert len(house.pids) == 1
    await house.close()


async def test_a_program_that_does_not_start_is_tried_again(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, address_of(upstream), monkeypatch, n_silent=1)
    with pytest.raises(TierUnavailable, match=r"tier other: llama\.cpp did not start") as e:
        await house.another("other").complete(REQUEST)
    assert e.value.is_retryable
    assert (await house.backend.complete(REQUEST)).answer.text == " tk tk tk"
    await house.close()
    assert not any(is_alive(p) for p in house.pids)


async def test_what_does_not_fit_its_memory_is_not_started_again(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, address_of(upstream), monkeypatch, n_silent=2, max_memory_mb=77)
    for _ in range(2):
        with pytest.raises(TierUnavailable, match="max_memory_mb = 77") as e:
            await house.backend.complete(REQUEST)
        assert not e.value.is_retryable
    assert len(house.pids) == 2
    assert house.started.max_memory_mb == 77
    await house.close()


async def test_one_failed_load_under_a_memory_limit_is_not_for_ever(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, address_of(upstream), monkeypatch, n_silent=1, max_memory_mb=77)
    assert (await house.backend.complete(REQUEST)).answer.text == " tk tk tk"
    await house.close()


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
async def test_killed_while_it_loads_it_is_no_matter_of_memory(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, by: signal.Signals
) -> None:
    silence = f"os.kill(os.getpid(), {by.value})"
    house = House(tmp_path, address_of(upstream), monkeypatch, n_silent=3, silence=silence, max_memory_mb=77)
    for _ in range(3):
        with pytest.raises(TierUnavailable, match=r"llama\.cpp did not start: it was killed") as e:
            await house.backend.complete(REQUEST)
        assert e.value.is_retryable
    assert (await house.backend.complete(REQUEST)).answer.text == " tk tk tk"
    await house.close()


async def test_where_no_process_can_be_made_it_is_unavailable_and_closes_all_the_same(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, address_of(upstream), monkeypatch)
    (tmp_path / "python").chmod(0o644)
    with pytest.raises(TierUnavailable, match="did not start: Permission denied") as e:
        await house.backend.complete(REQUEST)
    assert e.value.is_retryable
    assert e.value.__cause__ is not None
    assert isinstance(e.value.__cause__.__cause__, PermissionError)
    await house.close()
    assert not house.starts.exists()


async def test_who_waits_for_a_start_when_the_well_closes_is_told(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, address_of(upstream), monkeypatch, n_silent=1, silence="time.sleep(60)")
    waiting = [asyncio.create_task(house.backend.complete(REQUEST)) for _ in range(3)]
    for _ in range(1000):
        if house.starts.exists():
            break
        await asyncio.sleep(0.01)
    waiting[0].cancel()
    await asyncio.sleep(0)
    await house.close()
    left, *told = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(left, asyncio.CancelledError)
    for error in told:
        assert isinstance(error, TierUnavailable)
        assert "the well is closed" in str(error)
        assert not error.is_retryable
    assert not any(is_alive(p) for p in house.pids)


async def test_it_starts_on_the_weights_that_it_was_built_with_alone(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, address_of(upstream), monkeypatch)
    base = tmp_path / "x.gguf"
    base.write_bytes(b"base")
    house.server.take(window_tokens=64, sha256=file_sha256(base))
    assert (await house.backend.complete(REQUEST)).answer.text == " tk tk tk"
    put_in_place(base, b"esab")
    assert (await house.backend.complete(REQUEST)).answer.text == " tk tk tk"  # what runs has the old one
    await kill(house)
    with pytest.raises(TierUnavailable, match=r"x\.gguf has changed since .* start Stepwell again") as e:
        await house.backend.complete(REQUEST)
    assert not e.value.is_retryable
    assert len(house.pids) == 1
    base.write_bytes(b"base")
    assert (await house.backend.complete(REQUEST)).answer.text == " tk tk tk"
    await house.close()


async def test_an_adapter_that_has_changed_is_left_out_and_the_others_serve(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, address_of(upstream), monkeypatch)
    backends = []
    for n, name in enumerate(("red", "blue")):
        path = tmp_path / f"{name}.gguf"
        path.write_bytes(name.encode())
        sha256 = file_sha256(path)
        assert house.server.take(window_tokens=64, adapter=path, adapter_sha256=sha256) == n
        backends.append(house.another(name, adapter=n))
    red, blue = backends
    assert (await red.complete(REQUEST)).answer.text == " tk tk tk"
    put_in_place(tmp_path / "red.gguf", b"der")
    await kill(house)
    for backend in (blue, house.backend):
        assert (await backend.complete(REQUEST)).answer.text == " tk tk tk"
    assert house.started.adapters == (str(tmp_path / "blue.gguf"),)
    assert house.server.lora(1) == [{"id": 0, "scale": 1.0}]
    assert house.server.lora(None) == [{"id": 0, "scale": 0.0}]
    with pytest.raises(TierUnavailable, match=r"red: .*red\.gguf has changed since") as e:
        await red.complete(REQUEST)
    assert not e.value.is_retryable
    (tmp_path / "red.gguf").unlink()
    await kill(house)
    assert (await blue.complete(REQUEST)).answer.text == " tk tk tk"
    with pytest.raises(TierUnavailable, match=r"red\.gguf can't be read any more"):
        await red.complete(REQUEST)
    (tmp_path / "red.gguf").write_bytes(b"red")
    await kill(house)
    assert (await red.complete(REQUEST)).answer.text == " tk tk tk"
    assert house.server.lora(1) == [{"id": 0, "scale": 0.0}, {"id": 1, "scale": 1.0}]
    await house.close()


async def test_a_file_that_changes_while_it_is_read_is_not_served(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tmp_path / "x.gguf"
    change = f"open({str(base)!r}, 'wb').write(b'another')"
    house = House(tmp_path, address_of(upstream), monkeypatch, n_silent=1, silence=change)
    base.write_bytes(b"base")
    house.server.take(window_tokens=64, sha256=file_sha256(base))
    with pytest.raises(TierUnavailable, match=r"x\.gguf has changed since the well was built"):
        await house.backend.complete(REQUEST)
    assert not any(is_alive(p) for p in house.pids)
    await house.close()


async def test_every_deployment_of_a_base_adds_what_it_needs(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, address_of(upstream), monkeypatch)
    red, blue = tmp_path / "red.gguf", tmp_path / "blue.gguf"
    assert house.server.take(window_tokens=4096, adapter=red) == 0
    assert house.server.take(window_tokens=128, adapter=blue) == 1
    assert house.server.take(window_tokens=64, adapter=red) == 0
    assert house.server.lora(1) == [{"id": 0, "scale": 0.0}, {"id": 1, "scale": 1.0}]
    assert house.server.lora(None) == [{"id": 0, "scale": 0.0}, {"id": 1, "scale": 0.0}]
    await house.backend.complete(REQUEST)
    assert house.started.n_ctx == 2 * 4096
    assert house.started.adapters == (str(red), str(blue))
    await house.close()


def test_servers_are_shared_under_the_same_terms_alone(tmp_path: Path) -> None:
    servers, path = LocalServers(), tmp_path / "x.gguf"
    assert servers.of(path) is servers.of(tmp_path / "." / "x.gguf")
    assert servers.of(path) is not servers.of(path, n_threads=2)
    assert servers.of(path) is not servers.of(path, max_memory_mb=500)
    assert servers.of(path) is not servers.of(tmp_path / "y.gguf")


async def test_without_weights_it_says_what_is_missing() -> None:
    def connect(base_url: str) -> HttpBackend:
        raise AssertionError("nothing to connect to")

    backend = LocalBackend(tier="local", server=None, connect=connect, lacks="its weights")
    with pytest.raises(TierUnavailable, match="tier local lacks its weights") as e:
        await backend.complete(REQUEST)
    assert not e.value.is_retryable
    await backend.close()
