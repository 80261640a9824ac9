"""A real Redis or Valkey for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.router.redis_server import Server


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(shared_server: Server) -> Server:
    if shared_server.process is None:
        shared_server.start()
    with redis.Redis(port=shared_server.port) as client:
        client.flushall()
    return shared_server
