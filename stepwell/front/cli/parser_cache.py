"""The parser of `stepwell cache`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_parts import Parser, add, add_json


def add_cache(commands: Any) -> None:
    """`cache report` and `cache erase`."""
    parser: Parser = commands.add_parser("cache", help="what the cache saved, and what it must forget")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _report(actions)
    _erase(actions)


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


def _path(parser: Parser) -> None:
    parser.add_argument("--path", metavar="FILE", help="SQLite file; default: the configuration's")
