"""The parsers of `stepwell tune` and of the measures of routers."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.exits import EPILOG
from stepwell.front.cli.parser_parts import add, add_json, usd

_TUNE_CODES = """the policy is written with exit code 0 and 1:
  0    the learned router keeps the promise; or --if-drift, and nothing moved
  1    it was refused: the policy falls back to a fixed mix, or to the dearest tier alone

"""


def add_tune(commands: Any) -> None:
    parser = add(commands, "tune", "tune", "learn a routing policy from outcomes, and test what it promises")
    parser.epilog = _TUNE_CODES + EPILOG
    parser.add_argument(
        "outcomes",
        nargs="*",
        metavar="OUTCOMES",
        help="a run's folder, or JSONL: {id, prompt, scores: {tier: 0..1}}; .gz too; - reads stdin",
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
    parser.add_argument("--out", metavar="DIR", help="default: ./policy, or the policy that is refined")
    parser.add_argument("--report", metavar="FILE.html", help="the frontier as one page, opens offline")
    parser.add_argument(
        "--refine",
        metavar="DIR",
        help="add these outcomes to a policy: seconds; its promise is not tested again",
    )
    parser.add_argument(
        "--from-feedback", action="store_true", help="the configuration's feedback outcomes, too"
    )
    parser.add_argument(
        "--if-drift", action="store_true", help="only where feedback shows that traffic moved"
    )
    parser.add_argument("--no-embedding", action="store_true", help="learn from words and form alone")
    parser.add_argument(
        "--hold-out",
        type=float,
        default=0.0,
        metavar="S",
        help="leave this share of the asks out, for `eval compare` on the same run (default 0)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--licence", metavar="TEXT", help="of the outcomes, for the policy's card")
    add_json(parser)


def add_measures(actions: Any) -> None:
    """`eval router`, `eval promise`, `eval cascade`, `eval noise`, `eval confidence`."""
    _router(actions)
    _promise(actions)
    _cascade(actions)
    _noise(actions)
    _confidence(actions)


def _router(actions: Any) -> None:
    parser = add(actions, "router", "measure", "rank outcomes by learned and plain routers, side by side")
    parser.set_defaults(action="run_router")
    _rows(parser)
    parser.add_argument(
        "--labels", type=int, default=1500, metavar="N", help="rows to learn from (default 1500)"
    )
    parser.add_argument(
        "--seeds", type=int, default=5, metavar="N", help="random draws of labels (default 5)"
    )
    parser.add_argument("--no-embedding", action="store_true", help="learn from words and form alone")
    parser.add_argument("--no-litellm", action="store_true", help="leave LiteLLM's heuristics out")


def _promise(actions: Any) -> None:
    parser = add(actions, "promise", "measure", "how often the promise breaks over resampled labels")
    parser.set_defaults(action="run_promise")
    _rows(parser)
    parser.add_argument("--prices", metavar="A=IN/OUT,…", help="USD per 1M tokens read and written")
    parser.add_argument("--labels", type=int, default=1000, metavar="N", help="of each sample (default 1000)")
    parser.add_argument(
        "--resamples", type=int, default=300, metavar="N", help="random samples (default 300)"
    )
    parser.add_argument("--min-quality", type=float, default=0.95, metavar="Q", help="default 0.95")
    parser.add_argument("--shuffled", action="store_true", help="shuffle the labels: it must be refused")
    parser.add_argument(
        "--quick", action="store_true", help="rank by one kernel ridge, not by all that `tune` learns"
    )
    parser.add_argument("--no-embedding", action="store_true", help="learn from words and form alone")


def _cascade(actions: Any) -> None:
    parser = add(actions, "cascade", "measure", "what comparing cheap answers is worth, every call counted")
    parser.set_defaults(action="run_cascade")
    parser.add_argument("outcomes", metavar="OUTCOMES", help="JSONL with answers by tier; .gz too")
    parser.add_argument("--cheap", required=True, metavar="A,B", help="tiers asked first, cheapest first")
    parser.add_argument("--strong", required=True, metavar="NAME", help="where it goes else")
    parser.add_argument("--texts", metavar="FILE", help="whole answers: {id, model, text}")
    parser.add_argument("--prices", metavar="A=IN/OUT,…", help="USD per 1M tokens; then savings are shown")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    add_json(parser)


def _noise(actions: Any) -> None:
    parser = add(
        actions, "noise", "measure", "does the tier stay under typos, rewording, padding, case, wraps?"
    )
    parser.set_defaults(action="run_noise")
    parser.add_argument("outcomes", nargs="+", metavar="OUTCOMES", help="JSONL of outcomes; .gz too")
    parser.add_argument(
        "--policy", metavar="DIR", help="from `stepwell tune`; default: the shipped cold start"
    )
    parser.add_argument(
        "--rows", type=int, default=500, metavar="N", help="asks, drawn at random (default 500)"
    )
    parser.add_argument(
        "--least", type=float, default=0.95, metavar="S", help="share that must keep its tier (default 0.95)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    add_json(parser)


def _confidence(actions: Any) -> None:
    parser = add(actions, "confidence", "measure", "what a tier's log-probabilities say of its own answers")
    parser.set_defaults(action="run_confidence")
    parser.add_argument("suite", metavar="SUITE", help="JSONL file, one case a line; short_questions ships")
    parser.add_argument("--tier", default="local", metavar="NAME", help="default: local")
    parser.add_argument(
        "--policy",
        metavar="DIR",
        help="from `stepwell tune`: takes the calibration, where there is one; routing.confidence uses it",
    )
    parser.add_argument(
        "--out", metavar="DIR", help="where the journal goes; one that is there is taken up again"
    )
    parser.add_argument("--max-usd", type=usd, metavar="USD", help="stop before the run costs more")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    add_json(parser)


def _rows(parser: Any) -> None:
    parser.add_argument("outcomes", nargs="+", metavar="OUTCOMES", help="JSONL of outcomes; .gz too")
    parser.add_argument("--tiers", metavar="A,B", help="in order of price; default: all in the file")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    add_json(parser)
