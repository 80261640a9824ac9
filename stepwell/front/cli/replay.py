"""`stepwell replay`: recorded rows through one stage, a row out for each."""

from __future__ import annotations

import gzip
import sys
import zlib
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from stepwell.base.messages import encode_json
from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import config_of, prices_of, tiers_of
from stepwell.front.cli.replay_cache import replay_cache
from stepwell.front.cli.replay_context import replay_context
from stepwell.front.cli.replay_guards import replay_guards

if TYPE_CHECKING:
    from stepwell.base.config import Config
    from stepwell.base.embedding import Embedder
    from stepwell.front.cli.inputs import Prices
    from stepwell.router.decide import Router
    from stepwell.router.features import Ask
    from stepwell.router.learned.policy import Learned

Out = Callable[[dict[str, object]], None]


def run(args: Namespace) -> int:
    """Exit code 1: some rows were bad; each says its line and why."""
    config = _with_share(config_of(args), args)
    with ExitStack() as files:
        # a text with replaced letters is another text: guards must not judge it
        errors = "surrogateescape" if args.stage == "guards" else "replace"
        lines = files.enter_context(_read(args.file, errors))
        out = files.enter_context(Path(args.out).open("w", encoding="utf-8")) if args.out else sys.stdout
        stages = {
            "router": _router,
            "cascade": _cascade,
            "cache": replay_cache,
            "context": replay_context,
            "guards": replay_guards,
        }
        replay = stages.get(args.stage, _stage)
        n_bad = replay(args, config, lines, lambda row: _write_row(out, row))
    if n_bad:
        terminal.say(f"bad rows: {n_bad}; each says its line and why")
    return Exit.NO if n_bad else Exit.OK


def _stage(args: Namespace, config: Config, lines: Iterable[str], out: Out) -> int:
    from stepwell.evals.replay import run_replay

    return run_replay(args.stage, lines, config=config, out=out)


def _router(args: Namespace, config: Config, lines: Iterable[str], out: Out) -> int:
    from stepwell.evals.tune.replay_router import RouterReplay

    n_bad = 0
    for row in RouterReplay(*router_of(args, config)).rows(lines):
        n_bad += "error" in row
        out(row)
    return n_bad


def router_of(args: Namespace, config: Config) -> tuple[Router, Callable[[], Embedder]]:
    """The router over --policy, else over the configured policy, else over the cold start; and what loads vectors."""
    from stepwell.base.embedding import embedder_name, load_embedder
    from stepwell.evals.tune.replay_router import cold_router, learned_router

    folder = _folder(args, config)
    if folder is not None:
        router = learned_router(folder, config, embedder=embedder_name(config.embedding))
    else:
        router = cold_router(config)
    return router, lambda: load_embedder(config.embedding)


def _folder(args: Namespace, config: Config) -> str | None:
    named = config.routing.policy
    return args.policy or (named.removeprefix("learned:") if named.startswith("learned:") else None)


def _cascade(args: Namespace, config: Config, lines: Iterable[str], out: Out) -> int:
    from stepwell.evals.tune.cascade.bench import read_texts
    from stepwell.evals.tune.cascade.replay import ACCEPT_ABOVE, replay_cascade
    from stepwell.router.cascade.accept import AcceptScore
    from stepwell.router.cascade.stored import load_accept

    folder = _folder(args, config)
    policy = None if folder is None else _learned(folder, config)
    cheap, strong = _tiers(args, policy)
    prices: Prices = dict(policy.bundle.card.usd_per_1m) if policy is not None else {}
    rows = replay_cascade(
        lines,
        cheap=cheap,
        strong=strong,
        middle=args.middle,
        accept=AcceptScore() if folder is None else load_accept(folder),
        accept_above=ACCEPT_ABOVE if args.accept_above is None else args.accept_above,
        need_of=None if policy is None else _need_of(policy, config),
        prices=prices | prices_of(args.prices) or None,
        texts=read_texts(args.texts) if args.texts else None,
    )
    for row in rows:
        out(row)
    return 0


def _tiers(args: Namespace, policy: Learned | None) -> tuple[list[str], str]:
    """As named; else of a policy the two cheapest tiers and the dearest."""
    of_policy = list(policy.bundle.card.tiers) if policy is not None else []
    cheap = tiers_of(args.cheap) or (of_policy[:2] if len(of_policy) > 2 else [])
    strong = args.strong or (of_policy[-1] if of_policy else "")
    if not cheap or not strong:
        raise UsageError("replay cascade needs --cheap A,B and --strong NAME, or a --policy of three tiers")
    return cheap, strong


def _learned(folder: str, config: Config) -> Learned:
    from stepwell.base.embedding import embedder_name
    from stepwell.router.learned.policy import Learned

    return Learned.load(folder, embedder=embedder_name(config.embedding))


def _need_of(policy: Learned, config: Config) -> Callable[[Ask], float | None]:
    """The policy's rank of an ask among known traffic."""
    from stepwell.base.embedding import embed_for_routing, load_embedder
    from stepwell.router.features import read_ask

    embedder = load_embedder(config.embedding) if policy.needs_vector else None

    def need(ask: Ask) -> float | None:
        vector = None if embedder is None else embed_for_routing(embedder, [ask.text])[0]
        return policy.estimate(read_ask(ask.text, vector=vector), ()).need

    return need


def _with_share(config: Config, args: Namespace) -> Config:
    if args.share is None:
        return config
    if not 0 < args.share < 1:
        raise UsageError("--share lies between 0 and 1")
    routing = config.routing.model_copy(update={"target_share": args.share})
    return config.model_copy(update={"routing": routing})


def _write_row(out: TextIO, row: dict[str, object]) -> None:
    out.write(encode_json(row).decode() + "\n")


def _read(file: str, errors: str) -> AbstractContextManager[Iterable[str]]:
    if file.endswith(".gz"):
        return _unzipped(file, errors)
    if file != "-":
        return Path(file).open(encoding="utf-8", errors=errors)
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors=errors)
    return nullcontext(sys.stdin)


@contextmanager
def _unzipped(file: str, errors: str) -> Iterator[Iterable[str]]:
    try:
        with gzip.open(file, "rt", encoding="utf-8", errors=errors) as lines:
            yield lines
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        raise UsageError(f"{file}: damaged: {type(e).__name__}") from e
