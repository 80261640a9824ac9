"""`stepwell cache` where replicas share the cache through Redis."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepwell.front.cli.main import main
from stepwell.memory.redis_store import RedisStore
from stepwell.memory.sqlite_store import SqliteStore
from stepwell.memory.store import Entry, Tally
from tests.router.redis_server import PATIENT, Server

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stepwell.yaml").write_text("cache: {redis_url_env: STEPWELL_TEST_REDIS}\n")
    return tmp_path


async def filled(url: str) -> None:
    """An entry of one tenant, and a hit in the books, by another replica."""
    store = RedisStore(url, local=SqliteStore(None))
    now_s = time.time()
    while store.is_exact_only:  # noqa: ASYNC110 - Redis tells nobody when it is there
        await asyncio.sleep(0.02)
    await store.put(Entry("h1", b"k" * 32, "acme", "", b"{}", "t", "m", 0.5, now_s, now_s + 300))
    store.count([Tally(int(now_s // 3600), "hit", 3, 1.5, 6.0)])
    await store.close()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made = Server(tmp_path)
    made.start()
    monkeypatch.setenv("STEPWELL_TEST_REDIS", f"{made.url}?{PATIENT}")
    yield made
    made.stop()


def test_what_another_replica_left_is_reported_and_erased(server: Server, capsys: Capture) -> None:
    asyncio.run(filled(f"{server.url}?{PATIENT}"))
    assert main(["cache", "report", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["hit"] == {"n": 3, "usd": 1.5, "s": 6.0}
    assert main(["cache", "erase", "--tenant", "other"]) == 1
    assert main(["cache", "erase", "--tenant", "acme", "--hit-id", "h1"]) == 0
    assert main(["cache", "erase", "--tenant", "acme"]) == 1


def test_without_the_address_it_says_so(capsys: Capture) -> None:
    assert main(["cache", "report"]) == 2
    assert "STEPWELL_TEST_REDIS" in capsys.readouterr().err


def test_where_no_redis_answers_it_says_so(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPWELL_TEST_REDIS", "redis://127.0.0.1:1/0")
    monkeypatch.setattr("stepwell.front.cli.cache._REDIS_S", 0.2)
    assert main(["cache", "erase", "--tenant", "acme"]) == 3
    assert "did not answer" in capsys.readouterr().err
