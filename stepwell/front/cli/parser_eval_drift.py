"""The parser of `stepwell eval drift`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_parts import add_eval, add_json, share


def add_drift(actions: Any) -> None:
    """`eval drift REFERENCE RECENT`."""
    about = "has traffic moved? exit code 1: yes, and by enough to matter; 2: too few rows to say"
    parser = add_eval(
        actions,
        "drift",
        "eval_drift",
        about,
        exits={
            0: "no drift of note",
            1: "drift: the alarm went off, and something moved by --min-effect or more",
            2: "not known yet: something moved and no alarm so far, or too few rows",
        },
    )
    parser.set_defaults(action="run_drift")
    files = "JSONL (.gz too): outcomes, decision logs, suites, or {prompt}"
    parser.add_argument("reference", metavar="REFERENCE", help=files)
    parser.add_argument("recent", metavar="RECENT", help="the same, oldest first")
    parser.add_argument(
        "--policy", metavar="FOLDER", help="a tuned policy gives p_ok; default: the shipped cold start"
    )
    about = "tiers that answer; others, such as a judge's, are not looked at. Default: all"
    parser.add_argument("--tiers", metavar="A,B", help=about)
    parser.add_argument(
        "--recorded", action="store_true", help="take p_ok as the files recorded it, ask no policy"
    )
    parser.add_argument(
        "--embed", action="store_true", help="embed prompts, too: slower, and finds new topics"
    )
    parser.add_argument(
        "--alpha",
        type=share,
        default=0.05,
        metavar="P",
        help="odds of a false alarm, however long it looks: %(default)s",
    )
    parser.add_argument(
        "--min-effect", type=share, default=0.1, metavar="E", help="least effect of note, 0..1: %(default)s"
    )
    parser.add_argument("--min-rows", type=int, default=50, metavar="N", help="of each file: %(default)s")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all that is drawn: %(default)s")
    add_json(parser)
