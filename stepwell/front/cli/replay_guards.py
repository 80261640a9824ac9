"""`stepwell replay guards`: scores and findings a row; with --stream, whether streams show what the whole would."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import UsageError
from stepwell.front.cli.parser_parts import Parser

if TYPE_CHECKING:
    from stepwell.base.config import Config, GuardsConfig
    from stepwell.evals.guards.streams import Streamed
    from stepwell.guards.guard import Guard

Out = Callable[[dict[str, object]], None]
_decode_row = msgspec.json.Decoder(dict[str, Any]).decode


def add_replay_guards(parser: Parser) -> None:
    guards = parser.add_argument_group("guards")
    guards.add_argument(
        "--stream",
        action="store_true",
        help="stream each text in random pieces: is it as the whole redacted?",
    )
    about = "with --stream: the same pieces through guardrails-ai's stream runner, one more line"
    guards.add_argument("--peers", action="store_true", help=about)
    guards.add_argument("--chunkings", type=int, default=10, metavar="N", help="of each text (default 10)")


def replay_guards(args: Namespace, config: Config, lines: Iterable[str], out: Out) -> int:
    """Number of bad rows; with --stream of rows where a stream differs from the whole.

    Raises:
        UsageError: There is no row.
    """
    counted = _Counted(out)
    if args.stream:
        n_bad = _streams(args, config, lines, counted)
    else:
        from stepwell.evals.replay import run_replay

        n_bad = run_replay("guards", lines, config=config, out=counted)
    if not counted.n:
        raise UsageError(f"{args.file}: no rows")
    return n_bad


class _Counted:
    """Hands rows on, and counts them."""

    def __init__(self, out: Out) -> None:
        self._out, self.n = out, 0

    def __call__(self, row: dict[str, object]) -> None:
        self.n += 1
        self._out(row)


def _streams(args: Namespace, config: Config, lines: Iterable[str], out: Out) -> int:
    from stepwell.evals.guards.streams import check_rows
    from stepwell.guards.guard import Guard

    if args.chunkings < 1:
        raise UsageError(f"--chunkings must be 1 or more; got {args.chunkings}")
    guard = Guard(config.guards if args.config is not None else _all_values())
    rows, n_bad = _rows(lines, out)
    ran = {"n_chunkings": args.chunkings, "seed": args.seed or 0}
    total = _Total()
    for row, done in zip(rows, check_rows(rows, guard, **ran), strict=True):
        n_bad += total.add(done)
        out({"id": row["id"], **msgspec.to_builtins(done)})
    terminal.say(f"stepwell: {total.told(len(rows))}")
    if args.peers:
        _peer(rows, guard, ran)
    return n_bad


def _peer(rows: Sequence[dict[str, Any]], guard: Guard, ran: Mapping[str, int]) -> None:
    from importlib.util import find_spec

    if find_spec("guardrails") is None:
        terminal.say("guardrails-ai is not installed here: left out")
        return
    from stepwell.evals.guards.streams_guardrails import check_rows_with_guardrails

    total = _Total()
    for done in check_rows_with_guardrails(rows, guard, **ran):
        total.add(done)
    terminal.say(f"guardrails-ai: {total.told(len(rows))}")


@dataclass(slots=True)
class _Total:
    n_chunkings: int = 0
    n_unequal: int = 0
    n_leaked: int = 0
    n_values: int = 0
    max_held_chars: int = 0

    def add(self, done: Streamed) -> bool:
        """Whether the row is bad."""
        self.n_chunkings += done.n_chunkings
        self.n_unequal += done.n_unequal
        self.n_leaked += done.n_leaked
        self.n_values += done.n_values
        self.max_held_chars = max(self.max_held_chars, done.max_held_chars)
        return bool(done.n_unequal or done.n_leaked)

    def told(self, n_rows: int) -> str:
        return (
            f"{self.n_chunkings} chunkings of {n_rows} texts with {self.n_values} values: "
            f"{self.n_leaked} leaked, {self.n_unequal} streams unlike the whole, "
            f"at most {self.max_held_chars} characters held"
        )


def _rows(lines: Iterable[str], out: Out) -> tuple[list[dict[str, Any]], int]:
    """The rows, and how many could not be read; those are told at once."""
    rows, n_bad = [], 0
    for n, line in enumerate(lines, start=1):
        if line.strip():
            try:
                rows.append(_read(line, n))
            except (msgspec.MsgspecError, UnicodeError, RecursionError, LookupError, TypeError):
                n_bad += 1
                out({"id": n, "line": n, "error": "not a row {text, spans: [[start, end, type]]}"})
    return rows, n_bad


def _read(line: str, n: int) -> dict[str, Any]:
    row = _decode_row(line)
    spans = row.get("spans") or ()
    found = [s if isinstance(s, dict) else {"start": s[0], "end": s[1]} for s in spans]
    if not isinstance(row["text"], str) or not all(
        isinstance(s["start"], int)
        and isinstance(s["end"], int)
        and 0 <= s["start"] < s["end"] <= len(row["text"])
        for s in found
    ):
        raise TypeError("text is no string, or a span is no place in it")
    return {"id": n, **row, "spans": found}


def _all_values() -> GuardsConfig:
    """Without a configuration: every shipped check that looks for values."""
    from stepwell.base.config import CheckConfig, GuardsConfig
    from stepwell.evals.guards.replay import value_checks

    return GuardsConfig(input=[], output=[CheckConfig(check=c.name, action="redact") for c in value_checks()])
