"""Run the server: uvicorn with uvloop and httptools."""

from __future__ import annotations

import contextlib
import gc
import signal
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from stepwell.base.config import Config
from stepwell.base.errors import ConfigError
from stepwell.front.server.app import create_app
from stepwell.front.server.keys import require_loopback
from stepwell.well import Stepwell

if TYPE_CHECKING:
    import uvicorn


def serve(config: Config) -> int:
    """Serve until SIGTERM or SIGINT; open streams then have `drain_timeout_s` to end. Prints the address.

    Raises:
        ConfigError: No keys on a public address, or the port is taken.
    """
    import uvicorn

    require_loopback(config.server)
    app = create_app(Stepwell(config), checks_host=True)

    class Server(uvicorn.Server):
        async def startup(self, sockets: object = None) -> None:
            await super().startup()
            if self.started:
                host, port = self.servers[0].sockets[0].getsockname()[:2]
                name = f"[{host}]" if ":" in host else host
                print(f"stepwell serves http://{name}:{port}/v1", flush=True)
                gc.collect()
                gc.freeze()  # what the start made lives on: no need to look through it again
                gc.set_threshold(10_000, 20, 50)

    settings = uvicorn.Config(
        app,
        host=config.server.host,
        port=config.server.port,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        proxy_headers=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=max(1, round(config.server.drain_timeout_s)),
    )
    server = Server(settings)
    with _clean_end(server), contextlib.suppress(SystemExit):  # uvicorn's way to say that the port is taken
        server.run()
    if not server.started:
        raise ConfigError(f"{config.server.host}:{config.server.port} can't be listened on")
    return 0


@contextlib.contextmanager
def _clean_end(server: uvicorn.Server) -> Iterator[None]:
    """Let SIGTERM mean "drain and exit 0": uvicorn drains, and then would die of the signal."""

    def stop(*_: object) -> None:
        server.should_exit = True

    if threading.current_thread() is not threading.main_thread():  # only there can signals be set
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
