"""`stepwell replay guards`: scores and findings a row; with --stream, whether streams show what the whole would."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from stepwell.front.cli import terminal
from stepwell.front.cli.parser_parts import Parser

if TYPE_CHECKING:
    from stepwell.base.config import Config, GuardsConfig

Out = Callable[[dict[str, object]], None]
_decode_row = msgspec.json.Decoder(dict[str, Any]).decode


def add_replay_guards(parser: Parser) -> None:
    guards = parser.add_argument_group("guards")
    guards.add_argument(
        "--stream",
        action="store_true",
        help="stream each text in random pieces: is it as the whole redacted?",
    )
    guards.add_argument("--chunkings", type=int, default=10, metavar="N", help="of each text (default 10)")


def replay_guards(args: Namespace, config: Config, lines: Iterable[str], out: Out) -> int:
    """Number of bad rows; with --stream of rows where a stream differs from the whole."""
    if args.stream:
        return _streams(args, config, lines, out)
    from stepwell.evals.replay import run_replay

    return run_replay("guards", lines, config=config, out=out)


def _streams(args: Namespace, config: Config, lines: Iterable[str], out: Out) -> int:
    from stepwell.evals.guards.streams import check_rows
    from stepwell.guards.guard import Guard

    guard = Guard(config.guards if args.config is not None else _all_values())
    rows = list(_rows(lines))
    n_bad = n_leaked = n_chunkings = n_values = 0
    for row, done in zip(
        rows, check_rows(rows, guard, n_chunkings=args.chunkings, seed=args.seed or 0), strict=True
    ):
        n_bad += bool(done.n_unequal or done.n_leaked)
        n_leaked += done.n_leaked
        n_chunkings += done.n_chunkings
        n_values += done.n_values
        out({"id": row["id"], **msgspec.to_builtins(done)})
    terminal.say(f"{n_chunkings} chunkings of {len(rows)} texts with {n_values} values: {n_leaked} leaked")
    return n_bad


def _rows(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for n, line in enumerate(lines, start=1):
        if line.strip():
            row = _decode_row(line)
            row.setdefault("id", n)
            row["spans"] = [
                s if isinstance(s, dict) else {"start": s[0], "end": s[1]} for s in row.get("spans", ())
            ]
            yield row


def _all_values() -> GuardsConfig:
    """Without a configuration: every shipped check that looks for values."""
    from stepwell.base.config import CheckConfig, GuardsConfig
    from stepwell.evals.guards.replay import value_checks

    return GuardsConfig(input=[], output=[CheckConfig(check=c.name, action="redact") for c in value_checks()])
