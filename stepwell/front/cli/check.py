"""`stepwell check`."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit
from stepwell.front.cli.inputs import config_of

if TYPE_CHECKING:
    from stepwell.base.config import Config
    from stepwell.check_line import CheckLine


def run(args: Namespace) -> int:
    lines = asyncio.run(_lines(config_of(args)))
    if args.json:
        terminal.say_json([{"subject": x.subject, "status": x.status, "detail": x.detail} for x in lines])
    else:
        rows = [(x.subject, x.status, x.detail) for x in lines]
        terminal.table(("subject", "status", "detail"), rows)
    return Exit.NO if any(x.status == "fail" for x in lines) else Exit.OK


async def _lines(config: Config) -> list[CheckLine]:
    from stepwell.well import Stepwell

    async with Stepwell(config) as well:
        return await well.acheck()
