"""The real server (uvicorn, uvloop, httptools) on port 0, in a thread, open to inspection."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import uvicorn

from stepwell import Stepwell
from stepwell.front.server.app import create_app
from tests.support.upstream import KEY_ENV

Sections = dict[str, Any]


def tier(base_url: str, model: str, **more: Any) -> Sections:
    """One tier of config: a mock model behind an OpenAI-compatible URL."""
    fields = {
        "model": f"openai/{model}",
        "base_url": base_url,
        "api_key_env": KEY_ENV,
        "usd_per_1m_input": 1,
        "usd_per_1m_output": 2,
        "window_tokens": 8192,
    }
    return {**fields, **more}


def sections(tiers: Mapping[str, Sections], **dispatch: Any) -> Sections:
    """A config for dispatch tests: no guard, no cache, short waits, no rest after failures."""
    quick = {"timeout_s": 2, "max_retries": 0, "backoff_s": 0.01, "cooldown_s": 0, "connect_timeout_s": 1}
    return {
        "tiers": dict(tiers),
        "dispatch": {**quick, **dispatch},
        "promises": {"min_p_ok": 0},
        "guards": {"input": [], "output": []},
        "cache": {"exact": False, "semantic": "off"},
    }


class Served:
    """A well behind HTTP; `well` is there to look into."""

    def __init__(self, values: Sections) -> None:
        self.well = Stepwell(**values)
        config = uvicorn.Config(
            create_app(self.well),
            port=0,
            loop="uvloop",
            http="httptools",
            ws="none",
            access_log=False,
            log_level="critical",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="served", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def _run(self) -> None:
        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            await self._server.serve()

        with asyncio.Runner(loop_factory=_uvloop) as runner:
            runner.run(main())

    def __enter__(self) -> Served:
        self._thread.start()
        wait_until(lambda: self._server.started)
        self.port = int(self._server.servers[0].sockets[0].getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}/v1/chat/completions"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()

    @property
    def n_tasks(self) -> int:
        """Tasks on the server's loop."""
        assert self._loop is not None
        loop = self._loop

        async def count() -> int:
            return len(asyncio.all_tasks()) - 1

        return asyncio.run_coroutine_threadsafe(count(), loop).result(5)

    @property
    def n_in_flight(self) -> int:
        """Places taken at all deployments."""
        return sum(d.n_in_flight for t in self.well.pipeline.tiers.values() for d in t.deployments)

    @property
    def n_requests_in_flight(self) -> int:
        """What the gauge `stepwell_in_flight` says."""
        return self.well.pipeline.metrics.n_in_flight

    def is_idle(self) -> bool:
        return self.n_in_flight == 0 and self.n_requests_in_flight == 0


def _uvloop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


def wait_until(holds: Callable[[], bool], timeout_s: float = 5.0) -> None:
    """Poll until `holds`; fails the test where it does not come true."""
    ends = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < ends, "it did not come true in time"
        time.sleep(0.005)


async def until(holds: Callable[[], bool], timeout_s: float = 5.0) -> None:
    """As `wait_until`, for what needs the test's own loop to go on."""
    ends = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < ends, "it did not come true in time"
        await asyncio.sleep(0.005)


def collect() -> None:
    """Three rounds: finalizers of async generators make new garbage."""
    for _ in range(3):
        gc.collect()
