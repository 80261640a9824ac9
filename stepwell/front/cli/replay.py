"""`stepwell replay`: recorded rows through one stage, a row out for each."""

from __future__ import annotations

import gzip
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from stepwell.base.messages import encode_json
from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import config_of, prices_of

if TYPE_CHECKING:
    from stepwell.base.config import Config
    from stepwell.evals.tune.replay_router import RouterReplay
    from stepwell.router.learned.policy import Learned

Out = Callable[[dict[str, object]], None]


def run(args: Namespace) -> int:
    """Exit code 1: some rows were bad; each says its line and why."""
    config = _with_share(config_of(args), args)
    with ExitStack() as files:
        lines = files.enter_context(_read(args.file))
        out = files.enter_context(Path(args.out).open("w", encoding="utf-8")) if args.out else sys.stdout
        stages = {"router": _router, "cascade": _cascade}
        replay = stages.get(args.stage, _stage)
        n_bad = replay(args, config, lines, lambda row: _write_row(out, row))
    if n_bad:
        terminal.say(f"bad rows: {n_bad}; each says its line and why")
    return Exit.NO if n_bad else Exit.OK


def _stage(args: Namespace, config: Config, lines: Iterable[str], out: Out) -> int:
    from stepwell.evals.replay import run_replay

    return run_replay(args.stage, lines, config=config, out=out)


def _router(args: Namespace, config: Config, lines: Iterable[str], out: Out) -> int:
    replay, n_bad = _router_replay(args, config), 0
    for row in replay.rows(lines):
        n_bad += "error" in row
        out(row)
    return n_bad


def _router_replay(args: Namespace, config: Config) -> RouterReplay:
    from stepwell.base.embedding import embedder_name, load_embedder
    from stepwell.evals.tune.replay_router import RouterReplay, cold_router, learned_router

    folder = args.policy or config.routing.policy.removeprefix("learned:")
    if args.policy or config.routing.policy.startswith("learned:"):
        router = learned_router(folder, config, embedder=embedder_name(config.embedding))
    else:
        router = cold_router(config)
    return RouterReplay(router, lambda: load_embedder(config.embedding))


def _cascade(args: Namespace, config: Config, lines: Iterable[str], out: Out) -> int:
    from stepwell.evals.tune.cascade_rows import read_texts
    from stepwell.evals.tune.replay_cascade import replay_cascade

    if not (args.cheap and args.strong):
        raise UsageError("replay cascade needs --cheap A,B and --strong NAME")
    policy = _learned(args, config)
    accept = policy.bundle.card.accept_score() if policy is not None else None
    rows = replay_cascade(
        lines,
        cheap=[t.strip() for t in args.cheap.split(",")],
        strong=args.strong,
        middle=args.middle,
        accept=accept,
        prices=prices_of(args.prices) or None,
        texts=read_texts(args.texts) if args.texts else None,
    )
    for row in rows:
        out(row)
    return 0


def _learned(args: Namespace, config: Config) -> Learned | None:
    if not args.policy:
        return None
    from stepwell.base.embedding import embedder_name
    from stepwell.router.learned.policy import Learned

    return Learned.load(args.policy, embedder=embedder_name(config.embedding))


def _with_share(config: Config, args: Namespace) -> Config:
    if args.share is None:
        return config
    if not 0 < args.share < 1:
        raise UsageError("--share lies between 0 and 1")
    routing = config.routing.model_copy(update={"target_share": args.share})
    return config.model_copy(update={"routing": routing})


def _write_row(out: TextIO, row: dict[str, object]) -> None:
    out.write(encode_json(row).decode() + "\n")


def _read(file: str) -> AbstractContextManager[Iterable[str]]:
    if file.endswith(".gz"):
        return _unzipped(file)
    if file != "-":
        return Path(file).open(encoding="utf-8", errors="replace")
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    return nullcontext(sys.stdin)


def _unzipped(file: str) -> AbstractContextManager[Iterable[str]]:
    return gzip.open(file, "rt", encoding="utf-8", errors="replace")
