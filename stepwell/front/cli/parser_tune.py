"""The parsers of `stepwell tune` and of the measures of routers."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_parts import add, add_json


def add_tune(commands: Any) -> None:
    parser = add(commands, "tune", "tune", "learn a routing policy from outcomes, and test what it promises")
    parser.add_argument(
        "outcomes", nargs="*", metavar="OUTCOMES", help="JSONL: {id, prompt, scores: {tier: 0..1}}; .gz too"
    )
    parser.add_argument("--tiers", metavar="A,B", help="in order of price; default: all in the file")
    parser.add_argument(
        "--min-quality",
        type=float,
        default=0.95,
        metavar="Q",
        help="share of the dearest tier's mean quality to keep, with 95 %% confidence (default 0.95)",
    )
    parser.add_argument(
        "--max-usd", type=float, metavar="USD", help="mean cost a request; quality goes first"
    )
    parser.add_argument("--prices", metavar="A=IN/OUT,…", help="USD per 1M tokens; default: the catalogue's")
    parser.add_argument("--out", default="policy", metavar="DIR", help="default: ./policy")
    parser.add_argument("--report", metavar="FILE.html", help="the frontier as one page, opens offline")
    parser.add_argument(
        "--refine", metavar="DIR", help="add these outcomes to a policy that was tuned before"
    )
    parser.add_argument(
        "--from-feedback", action="store_true", help="the configuration's feedback outcomes, too"
    )
    parser.add_argument(
        "--if-drift", action="store_true", help="only where feedback shows that traffic moved"
    )
    parser.add_argument("--no-embedding", action="store_true", help="learn from words and form alone")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--licence", metavar="TEXT", help="of the outcomes, for the policy's card")
    add_json(parser)


def add_measures(actions: Any) -> None:
    """`eval router`, `eval promise`, `eval confidence`."""
    router = add(actions, "router", "measure", "rank outcomes by learned and plain routers, side by side")
    _rows(router)
    router.add_argument("--labels", type=int, default=1500, metavar="N", help="rows to learn from")
    router.add_argument(
        "--seeds", type=int, default=5, metavar="N", help="random draws of labels (default 5)"
    )
    router.set_defaults(action="run_router")
    promise = add(actions, "promise", "measure", "how often the promise breaks over resampled labels")
    _rows(promise)
    promise.add_argument("--labels", type=int, default=1000, metavar="N")
    promise.add_argument("--resamples", type=int, default=300, metavar="N")
    promise.add_argument("--min-quality", type=float, default=0.95, metavar="Q")
    promise.add_argument("--shuffled", action="store_true", help="shuffle the labels: it must be refused")
    promise.set_defaults(action="run_promise")
    told = add(actions, "confidence", "measure", "what a tier's log-probabilities say of its own answers")
    told.add_argument("suite", metavar="SUITE", help="JSONL file, one case a line; short_questions ships")
    told.add_argument("--tier", default="local", metavar="NAME")
    told.add_argument(
        "--out", metavar="DIR", help="where the journal goes; one that is there is taken up again"
    )
    told.set_defaults(action="run_confidence")
    add_json(told)


def _rows(parser: Any) -> None:
    parser.add_argument("outcomes", nargs="+", metavar="OUTCOMES", help="JSONL of outcomes; .gz too")
    parser.add_argument("--tiers", metavar="A,B", help="in order of price; default: all in the file")
    parser.add_argument("--prices", metavar="A=IN/OUT,…", help="USD per 1M tokens read and written")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    add_json(parser)
