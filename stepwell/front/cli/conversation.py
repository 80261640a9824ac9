"""`stepwell conversation list|show|erase`: look at what is kept of conversations, and delete it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stepwell.base.errors import ForeignConversation
from stepwell.base.messages import Message
from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import config_of
from stepwell.memory.context.log.log import Listed, Name, Past, Turn

if TYPE_CHECKING:
    from stepwell.base.config import Config, ContextConfig
    from stepwell.memory.context.log.log import ConversationLog

_decode = msgspec.json.Decoder(Message).decode
_OTHERS = "no tenant was named; a server without keys keeps its conversations for --tenant local"


def run_list(args: Namespace) -> int:
    if args.limit < 1:
        raise UsageError(f"--limit must be 1 or more; got {args.limit}")
    found = asyncio.run(_list(args))
    if args.json:
        terminal.say_json([_listed(one) for one in found])
    else:
        rows = [
            (one.name.id, one.name.user, f"{one.n_turns:,}", _time(one.began_s), _time(one.last_s))
            for one in found
        ]
        terminal.table(("id", "user", "messages", "began", "last"), rows)
    if not found and args.tenant is None:
        terminal.say(_OTHERS)
    return Exit.OK


async def _list(args: Namespace) -> list[Listed]:
    async with opened(args) as log:
        return await log.list(tenant=args.tenant or "", user=args.user, limit=args.limit)


def _listed(one: Listed) -> dict[str, object]:
    return {
        "id": one.name.id,
        "user": one.name.user,
        "n_messages": one.n_turns,
        "began_s": one.began_s,
        "last_s": one.last_s,
    }


def run_show(args: Namespace) -> int:
    """Exit code 1: there is no such conversation."""
    if args.last is not None and args.last < 1:
        raise UsageError(f"--last must be 1 or more; got {args.last}")
    past = asyncio.run(_read(args))
    if not past.epoch:
        terminal.say("there is no such conversation" + (f" ({_OTHERS})" if args.tenant is None else ""))
        return Exit.NO
    turns = past.turns if args.last is None else past.turns[-args.last :]
    if args.json:
        items = [_item(turn) for turn in turns]
        terminal.say_json({"id": args.id, "items": items, "pins": past.pins, "summary": past.summary})
    else:
        _print(past, turns)
    return Exit.OK


async def _read(args: Namespace) -> Past:
    async with opened(args) as log:
        try:
            return await log.read(Name(args.id, args.tenant or "", args.user or ""))
        except ForeignConversation:
            raise UsageError("the conversation is another user's: say whose by --user") from None


def _item(turn: Turn) -> dict[str, object]:
    return {"seq": turn.seq, "at_s": turn.at_s, "message": msgspec.Raw(turn.raw)}


def _print(past: Past, turns: tuple[Turn, ...]) -> None:
    lines = [f"pinned {pin.id}: {pin.text}" for pin in past.pins]
    if past.summary is not None:
        lines.append(f"summary of the first {past.summary.upto}, by {past.summary.by}: {past.summary.text}")
    for turn in turns:
        message = _decode(turn.raw)
        calls = [f"calls {c.function.name}({c.function.arguments})" for c in message.tool_calls or ()]
        said = " ".join(part for part in (message.text, *calls) if part)
        lines.append(f"{turn.seq} [{_time(turn.at_s)}] {message.name or message.role}: {said}")
    for line in lines:
        print(terminal.printable(line, sys.stdout))


def run_erase(args: Namespace) -> int:
    """Exit code 1: there was nothing."""
    if args.id is not None and args.all:
        raise UsageError("give either a conversation's ID or --all")
    if args.id is None and args.user is None and not args.all:
        raise UsageError("say what: a conversation's ID, --user NAME, or --all")
    n = asyncio.run(_erase(args))
    terminal.say(f"{n:,} {'conversation' if n == 1 else 'conversations'} erased")
    return Exit.OK if n else Exit.NO


async def _erase(args: Namespace) -> int:
    async with opened(args) as log:
        return await log.erase(tenant=args.tenant or "", user=args.user, id=args.id)


def _time(at_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at_s))


@asynccontextmanager
async def opened(args: Namespace) -> AsyncIterator[ConversationLog]:
    """The log of --path, else the configuration's.

    Raises:
        UsageError: There is none, it ends with its process, or it has several tenants and none is named;
            ConfigError: the file is of something else.
    """
    log = _file(args.path) if args.path is not None else _configured(_config(args).context)
    try:
        yield log
    finally:
        await log.close()


def _config(args: Namespace) -> Config:
    config = config_of(args)
    tenants = sorted({key.tenant for key in config.server.keys})
    if tenants and args.tenant is None:
        raise UsageError(
            f'say whose by --tenant: server.keys names {", ".join(tenants)}; "" is for who named none'
        )
    return config


def _configured(config: ContextConfig) -> ConversationLog:
    if config.redis_url_env is not None:
        from stepwell.memory.context.log.redis_log import RedisLog

        url = os.environ.get(config.redis_url_env)
        if not url:
            raise UsageError(f"context.redis_url_env: {config.redis_url_env} is not set in the environment")
        return RedisLog(url, timeout_s=config.redis_timeout_s)
    if config.path is None:
        raise UsageError(
            "the configuration keeps its conversations in memory: set context.path, or give --path"
        )
    return _file(config.path)


def _file(path: str) -> ConversationLog:
    from stepwell.base.sqlite_file import is_ours
    from stepwell.memory.context.log.log_file import KIND
    from stepwell.memory.context.log.sqlite_log import SqliteLog

    if not Path(path).is_file():
        raise UsageError(f"{path}: no conversations there yet")
    if not is_ours(path, KIND):  # opening would write into it
        raise UsageError(f"{path}: empty, or a file of something else")
    return SqliteLog(path)
