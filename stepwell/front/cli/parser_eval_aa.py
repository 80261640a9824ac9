"""The parser of `stepwell eval aa`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_parts import add_eval, add_json, share


def add_aa(actions: Any) -> None:
    """`eval aa`."""
    about = "what verdicts are worth on outcomes: false ones between equal arms, intervals, rows to a verdict"
    parser = add_eval(
        actions,
        "aa",
        "eval_aa",
        about,
        exits={
            0: "verdicts hold what they promise",
            1: "arms that are the same were told apart more often than --max-false, or --power was missed",
        },
    )
    parser.add_argument("outcomes", metavar="OUTCOMES", help="JSONL of outcomes, .gz too; or a run's folder")
    parser.add_argument("--tiers", metavar="A,B", help="two of them; default: the first and the last")
    parser.add_argument("--n", default="200", metavar="N,N", help="rows of each draw (default 200)")
    parser.add_argument("--resamples", type=int, default=2000, metavar="N", help="draws (default 2000)")
    parser.add_argument("--looks", type=int, default=20, metavar="N", help="looks on the way (default 20)")
    parser.add_argument(
        "--power", action="store_true", help="rows to a verdict, beside what two samples apart would take"
    )
    parser.add_argument(
        "--max-false", type=share, default=0.055, metavar="S", help="exit code 1 above it (default 0.055)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    add_json(parser)
