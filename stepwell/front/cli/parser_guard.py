"""The parser of `stepwell guard`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_guard_review import add_review
from stepwell.front.cli.parser_parts import Parser, add, add_json


def add_guard(commands: Any) -> None:
    """`guard tune` and `guard report`; what people review, and the audit."""
    parser: Parser = commands.add_parser(
        "guard", help="thresholds for your own traffic, what people review, and the audit"
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _tune(actions)
    _report(actions)
    add_review(actions)


def _tune(actions: Any) -> None:
    about = (
        "thresholds that keep a budget of false blocks on traffic like these rows; exit code 1: too few honest "
        "rows to promise it, or no threshold keeps it"
    )
    parser = add(actions, "tune", "guard", about)
    parser.set_defaults(action="run_tune")
    parser.add_argument(
        "rows",
        nargs="+",
        metavar="LABELLED",
        help="JSONL: {text, label: 1 to be blocked | 0 honest, category?, source?, stage?, documents?}; .gz too; "
        "- is stdin",
    )
    about = "share of honest texts that may be blocked (default: promises.max_false_blocks)"
    parser.add_argument("--false-blocks", type=float, metavar="B", help=about)
    about = "sure: the budget holds with --confidence; mean: on average over samples like this one, and more is caught"
    parser.add_argument("--promise", choices=["sure", "mean"], default="sure", help=about)
    parser.add_argument(
        "--confidence", type=float, default=0.95, metavar="P", help="of that promise (default .95)"
    )
    _checks(parser)
    parser.add_argument("--out", required=True, metavar="FILE", help="where the thresholds go (mode 600)")
    add_json(parser)


def _report(actions: Any) -> None:
    about = "false blocks and recall on labelled rows, at the shipped thresholds and at the configured ones"
    parser = add(actions, "report", "guard", about)
    parser.set_defaults(action="run_report")
    parser.add_argument(
        "rows",
        nargs="+",
        metavar="LABELLED",
        help="as for `guard tune`; other rows than those it was tuned on",
    )
    about = "share of honest texts that may be blocked (default: that of --thresholds, else promises.max_false_blocks)"
    parser.add_argument("--false-blocks", type=float, metavar="B", help=about)
    about = "file that `guard tune` wrote (default: guards.thresholds)"
    parser.add_argument("--thresholds", metavar="FILE", help=about)
    _checks(parser)
    add_json(parser)


def _checks(parser: Parser) -> None:
    about = "this check alone, may be given again (default: those of the configuration that have learned, else all)"
    parser.add_argument("--check", action="append", metavar="NAME", help=about)
