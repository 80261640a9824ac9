"""`stepwell guard reviews|show|approve|reject|labels`: what people have to look at, and what they say."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
import time
from argparse import Namespace
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from stepwell.base.errors import ReviewDecided, UnknownReview
from stepwell.base.messages import encode_json
from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import config_of

if TYPE_CHECKING:
    from stepwell.base.config.guards import ReviewConfig
    from stepwell.guards.review.queue import ReviewQueue
    from stepwell.guards.review.review import Label, Review

T = TypeVar("T")
_HEAD = ("id", "tenant", "stage", "check", "found", "score", "sent", "status", "since")


def run_reviews(args: Namespace) -> int:
    if args.limit < 1:
        raise UsageError(f"--limit must be 1 or more; got {args.limit}")
    status = None if args.status == "all" else args.status
    found = _run(args, lambda queue: queue.list(tenant=args.tenant, status=status, limit=args.limit))
    if args.json:
        terminal.say_json([_told(one) for one in found])
    else:
        terminal.table(_HEAD, [_row(one) for one in found])
    return Exit.OK


def run_show(args: Namespace) -> int:
    """Exit code 1: there is no such review."""
    try:
        one = _run(args, lambda queue: queue.get(args.id, tenant=args.tenant))
    except UnknownReview:
        return _no()
    if args.json:
        terminal.say_json(_told(one))
    else:
        _print(one)
    return Exit.OK


def run_approve(args: Namespace) -> int:
    """Exit code 1: there is no such review, or it was rejected."""
    return _decided(args, lambda queue: queue.approve)


def run_reject(args: Namespace) -> int:
    """Exit code 1: there is no such review, or it was approved."""
    return _decided(args, lambda queue: queue.reject)


def _decided(args: Namespace, method: Callable[[ReviewQueue], Callable[..., Awaitable[Review]]]) -> int:
    by = _login() if args.by is None else args.by
    given = {"by": by, "note": args.note, "tenant": args.tenant, "overrule": args.overrule}
    try:
        one = _run(args, lambda queue: method(queue)(args.id, **given))
    except UnknownReview:
        return _no()
    except ReviewDecided as e:
        terminal.say(f"{str(e).rstrip('.')} (--overrule does)")
        return Exit.NO
    terminal.say(f"{one.id} is {one.status}")
    return Exit.OK


def run_labels(args: Namespace) -> int:
    labels = asyncio.run(_export(args))
    kept = "" if _erases(args) or not labels else "; their texts stay in the queue"
    terminal.say(f"{len(labels):,} labels" + (f": {args.out}" if args.out else "") + kept)
    return Exit.OK


def _erases(args: Namespace) -> bool:
    """What went into a pipe may have got lost there."""
    return bool(args.erase or (args.out and not args.keep))


async def _export(args: Namespace) -> list[Label]:
    """Texts are erased only when their labels are out."""
    async with opened(args) as queue:
        labels = await queue.labels(tenant=args.tenant)
        await asyncio.to_thread(_write, labels, args.out)
        if _erases(args):
            await queue.erase_texts([label.id for label in labels])
    return labels


def _write(labels: Sequence[Label], out: str | None) -> None:
    lines = b"".join(encode_json(label) + b"\n" for label in labels)
    if out is None:
        sys.stdout.write(lines.decode())
        sys.stdout.flush()
        return
    # what people were asked about is nobody else's business
    with open(os.open(out, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def _run(args: Namespace, ask: Callable[[ReviewQueue], Awaitable[T]]) -> T:
    async def asked() -> T:
        async with opened(args) as queue:
            return await ask(queue)

    return asyncio.run(asked())


def _no() -> int:
    terminal.say("there is no such review")
    return Exit.NO


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return ""


def _told(one: Review) -> dict[str, object]:
    fields = msgspec.structs.asdict(one)
    return fields if one.text is not None else {k: v for k, v in fields.items() if k != "text"}


def _row(one: Review) -> tuple[str, ...]:
    found, score = ", ".join(one.kinds), f"{one.score:.2f}"
    since = _time(one.decided_s or one.held_s)
    return one.id, one.tenant, one.stage, one.check, found, score, str(one.n_sent), one.status, since


def _print(one: Review) -> None:
    lines = [f"{name}: {value}" for name, value in zip(_HEAD, _row(one), strict=True)]
    lines += [f"{name}: {value}" for name, value in (("by", one.by), ("note", one.note)) if value]
    lines += ["", "the text was erased" if one.text is None else one.text]
    for line in lines:
        print(terminal.printable(line, sys.stdout))


def _time(at_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at_s))


@asynccontextmanager
async def opened(args: Namespace) -> AsyncIterator[ReviewQueue]:
    """The queue of --path, else the configuration's.

    Raises:
        UsageError: There is none, or it ends with its process; ConfigError: the file is of something else.
    """
    queue = await asyncio.to_thread(_queue, args)
    try:
        yield queue
    finally:
        await queue.close()


def _queue(args: Namespace) -> ReviewQueue:
    from stepwell.base.sqlite_file import is_ours
    from stepwell.guards.review.queue import ReviewQueue
    from stepwell.guards.review.review_file import KIND

    config: ReviewConfig = config_of(args).guards.review
    path = args.path or config.path
    if path is None:
        raise UsageError("the configuration keeps reviews in memory: set guards.review.path, or give --path")
    if not Path(path).is_file():
        raise UsageError(f"{path}: no reviews there yet")
    if not is_ours(path, KIND):  # opening would write into it
        raise UsageError(f"{path}: empty, or a file of something else")
    return ReviewQueue(config.model_copy(update={"path": path}))
