"""The parser of `stepwell local chat`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.exits import plain_epilog
from stepwell.front.cli.parser_parts import add, add_json


def add_local_chat(actions: Any) -> None:
    """`local chat DATASET --for HOST`."""
    about = "a dataset as the JSON lines that a hosted trainer takes; nothing is sent"
    parser = add(actions, "chat", "local_chat", about)
    parser.epilog = plain_epilog({0: "written"})
    parser.add_argument("dataset", metavar="DATASET", help="folder of `stepwell local curate`")
    parser.add_argument("--for", dest="host", required=True, choices=["openai", "together", "fireworks"])
    parser.add_argument("--out", required=True, metavar="FILE", help="training examples, mode 600")
    parser.add_argument("--held-out-out", metavar="FILE", help="held-out examples, for the host's validation")
    add_json(parser)
