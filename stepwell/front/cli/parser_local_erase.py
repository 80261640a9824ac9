"""The parser of `stepwell local erase`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.exits import plain_epilog
from stepwell.front.cli.parser_parts import add, add_json


def add_local_erase(actions: Any) -> None:
    """`local erase --tenant T [--user U] [PATH...]`."""
    about = "erase a person's examples from files and datasets, and mark what was trained on them"
    parser = add(actions, "erase", "local_erase", about)
    parser.epilog = plain_epilog({0: "erased, or there was nothing of theirs"})
    about = "files and folders to look through, beside finetune.folders, traffic.path and promoted models"
    parser.add_argument("paths", nargs="*", metavar="PATH", help=about)
    parser.add_argument("--tenant", metavar="T", help="all of theirs, or of one user of theirs")
    parser.add_argument("--user", metavar="U", help="without --tenant: one who named no tenant")
    add_json(parser)
