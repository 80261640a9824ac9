"""`stepwell serve`."""

from __future__ import annotations

from argparse import Namespace

from stepwell.base.config import Config
from stepwell.front.cli.inputs import config_of


def run(args: Namespace) -> int:
    config = with_address(config_of(args), args.host, args.port)
    from stepwell.front.server.run import serve

    return serve(config)


def with_address(config: Config, host: str | None, port: int | None) -> Config:
    """The configuration with another address.

    Raises:
        ConfigError: The port is out of range.
    """
    given = {"host": host, "port": port}
    changed = {name: value for name, value in given.items() if value is not None}
    if not changed:
        return config
    values = config.model_dump(exclude_unset=True)
    return Config.make({**values, "server": {**values.get("server", {}), **changed}})
