"""The parser of `stepwell conversation`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_parts import Parser, add, add_json


def add_conversation(commands: Any) -> None:
    """`conversation list`, `conversation show` and `conversation erase`."""
    parser: Parser = commands.add_parser(
        "conversation", help="conversations that are kept, and their erasure"
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _list(actions)
    _show(actions)
    _erase(actions)


def _list(actions: Any) -> None:
    parser = add(actions, "list", "conversation", "a tenant's conversations, the latest first")
    parser.set_defaults(action="run_list")
    _whose(parser, "of this user alone")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="at most N (default %(default)s)")
    add_json(parser)


def _show(actions: Any) -> None:
    about = "pins, summary and messages of one conversation; exit code 1: there is none"
    parser = add(actions, "show", "conversation", about)
    parser.set_defaults(action="run_show")
    parser.add_argument("id", metavar="ID", help="the conversation's name")
    _whose(parser, "whose it is, where it was begun with a user's name")
    parser.add_argument("--last", type=int, metavar="N", help="only the last N messages")
    add_json(parser)


def _erase(actions: Any) -> None:
    about = "delete one conversation, a user's or all of a tenant's; exit code 1: there was none"
    parser = add(actions, "erase", "conversation", about)
    parser.set_defaults(action="run_erase")
    parser.add_argument("id", metavar="ID", nargs="?", help="this one, whoever began it")
    _whose(parser, "those of this user")
    parser.add_argument("--all", action="store_true", help="all of the tenant's")


def _whose(parser: Parser, user: str) -> None:
    about = 'whose they are; default: "", of requests that named none (a server without keys keeps its own for local)'
    parser.add_argument("--tenant", metavar="NAME", help=about)
    parser.add_argument("--user", metavar="NAME", help=user)
    parser.add_argument("--path", metavar="FILE", help="SQLite file; default: the configuration's")
