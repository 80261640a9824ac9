"""The parser of `stepwell cache`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_parts import Parser, add, add_json


def add_cache(commands: Any) -> None:
    """`cache report`, `cache erase` and `cache tune`."""
    parser: Parser = commands.add_parser("cache", help="what the cache saved, and what it must forget")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _report(actions)
    _erase(actions)
    _tune(actions)


def add_replay_cache(parser: Parser) -> None:
    """The options of `replay cache`."""
    cache = parser.add_argument_group(
        "cache: prompts, or pairs {cached_query, query, same}, or arrivals {query, cls} with --judge cls"
    )
    cache.add_argument("--judge", metavar="COLUMN", help="cls: rows of one class have the same answer")
    cache.add_argument("--max-error", type=float, metavar="E", help="default: promises.max_cache_error")
    _judge_error(cache)
    cache.add_argument("--seed", type=int, default=0, metavar="N", help="of audits and the judge's errors")


def add_cache_measure(actions: Any) -> None:
    """`eval cache`."""
    about = "pairs and streams through the cache, beside a static threshold, GPTCache's rule and a per-entry learner"
    parser = add(actions, "cache", "measure_cache", about)
    parser.set_defaults(action="run_cache")
    parser.add_argument("files", nargs="+", metavar="FILE", help="JSONL of pairs or of arrivals; .gz too")
    parser.add_argument("--streams", action="store_true", help="take pairs as arrivals, too")
    about = "share of hits that may be wrong, once for each budget (default .02 and .05)"
    parser.add_argument("--max-error", type=float, action="append", metavar="E", help=about)
    _judge_error(parser)
    parser.add_argument("--orders", type=int, default=1, metavar="N", help="also shuffled (default 1)")
    add_json(parser)


def _judge_error(parser: Any) -> None:
    about = "share of verdicts drawn wrong, 0 to .5; the gate is told (default 0)"
    parser.add_argument("--judge-error", type=float, default=0.0, metavar="E", help=about)


def _report(actions: Any) -> None:
    parser = add(actions, "report", "cache", "hits, dollars and seconds saved, and the error by meaning")
    parser.set_defaults(action="run_report")
    _path(parser)
    parser.add_argument("--days", type=int, metavar="N", help="hits of the last N days; default: all")
    add_json(parser)


def _erase(actions: Any) -> None:
    about = "delete what a tenant, one user of theirs, or one hit left; exit code 1: there was nothing"
    parser = add(actions, "erase", "cache", about)
    parser.set_defaults(action="run_erase")
    parser.add_argument("--tenant", required=True, metavar="NAME", help='"" for requests that named none')
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--user", metavar="NAME", help="of this user alone")
    what.add_argument("--hit-id", metavar="ID", help="this answer alone (x-stepwell-cache-hit-id)")
    _path(parser)


def _tune(actions: Any) -> None:
    about = "refine the comparison of prompts on pairs of yours; exit code 1: they taught nothing"
    parser = add(actions, "tune", "cache_tune", about)
    parser.add_argument(
        "pairs",
        nargs="+",
        metavar="PAIRS",
        help="JSONL: {cached_query, query, same: 0|1}; .gz too; - is stdin",
    )
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where the weights go")
    parser.add_argument(
        "--base", metavar="FOLDER", help="begin with these weights; default: the configuration's"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    add_json(parser)


def _path(parser: Parser) -> None:
    parser.add_argument("--path", metavar="FILE", help="SQLite file; default: the configuration's")
