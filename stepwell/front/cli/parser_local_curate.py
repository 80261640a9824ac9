"""The parser of `stepwell local curate`."""

from __future__ import annotations

import argparse
import math
from typing import Any

from stepwell.front.cli.parser_parts import add, add_json, folder, share, usd


def add_local_curate(actions: Any) -> None:
    """`local curate EXAMPLES...`."""
    about = "a dataset of examples: poor, broken, double and poisoned ones dropped, a part kept aside"
    parser = add(actions, "curate", "local_curate", about)
    parser.add_argument("examples", nargs="+", metavar="EXAMPLES", help="files of `stepwell local collect`")
    parser.add_argument("--out", required=True, type=folder, metavar="DIR", help="the dataset's folder")
    about = "put it in place of another dataset; models trained on that one are not found by `erase` any more"
    parser.add_argument("--replace", action="store_true", help=about)
    about = "the task in a word or two: stands in place of the system prompts, in training and in serving"
    parser.add_argument("--system", metavar="TEXT", help=about)
    _answers(parser.add_argument_group("answers"))
    _quality(parser.add_argument_group("quality"))
    _amount(parser.add_argument_group("amount"))
    add_json(parser)


def _answers(group: Any) -> None:
    about = "JSON schema that answers keep to, its keys in their order; auto: the one of all training answers"
    group.add_argument("--schema", metavar="FILE|auto", help=about)
    group.add_argument("--kind", choices=["json", "labels", "text"], help="default: told by the answers")
    group.add_argument("--max-chars", type=int, metavar="N", help="of an example")
    group.add_argument(
        "--max-tokens", type=int, metavar="N", help="of an example, at four characters a token"
    )


def _quality(group: Any) -> None:
    about = "of what feedback or a scorer said of an answer, where somebody did (default %(default)s)"
    group.add_argument("--min-score", type=share, default=0.75, metavar="Q", help=about)
    group.add_argument(
        "--require-score", action="store_true", help="drop answers of which nobody said anything"
    )
    group.add_argument("--judge", metavar="TIER", help="grades what passed all other checks; costs money")
    group.add_argument("--min-grade", type=share, default=0.75, metavar="Q", help="default %(default)s")
    group.add_argument("--rubric", metavar="TEXT", help="what the judge grades by")
    group.add_argument("--votes", type=int, default=1, metavar="N", help="of the judge, an odd number")
    group.add_argument("--max-usd", type=usd, metavar="USD", help="what the judge may cost")


def _amount(group: Any) -> None:
    about = "kept aside: a share, a number of examples, or a file of your own examples (default %(default)s)"
    group.add_argument("--held-out", type=_held_out, default=0.2, metavar="SHARE|N|FILE", help=about)
    group.add_argument("--per-label", type=int, metavar="N", help="training examples of each answer at most")
    group.add_argument("--max-examples", type=int, metavar="N", help="training examples at most")
    group.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of what is kept aside and of the subset"
    )


def _held_out(text: str) -> float | str:
    try:
        found = float(text)
    except ValueError:
        return text
    if not 0 < found < math.inf or (found >= 1 and found != int(found)):
        raise argparse.ArgumentTypeError(f"want a share below 1 or a number of examples, not {text!r}")
    return found
