"""The parsers of `stepwell eval run` and `stepwell eval gate`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_parts import Parser, add_eval, add_json, folder, share, usd

MAX_FALSE_ACCEPTS = 0.15
MAX_ERROR_SHARE = 0.1


def add_runs(actions: Any) -> None:
    """`eval run` and `eval gate`."""
    _run(actions)
    _gate(actions)


def _run(actions: Any) -> None:
    about = "ask a suite of several tiers, models, prompts or policies, and say which is better"
    parser = add_eval(actions, "run", "eval_run", about)
    parser.add_argument("suite", metavar="SUITE", help="a file, or the name of a suite that ships")
    _what(parser)
    _how(parser)
    _judge(parser)
    add_verdict(parser)
    add_json(parser)


def _what(parser: Parser) -> None:
    rows = parser.add_argument_group("rows")
    rows.add_argument("--format", metavar="F", help="default: told by the file's fields (see README)")
    rows.add_argument("--fields", metavar="prompt=F,target=G", help="fields of a data set of your own")
    rows.add_argument("--limit", type=int, metavar="N", help="N rows, drawn by --seed")
    arms = parser.add_argument_group("what is compared")
    arms.add_argument(
        "--tiers", metavar="A,B", help="default: every tier but the judge; auto: the router chooses"
    )
    arms.add_argument("--models", metavar="M,N", help="models of the configuration, by name")
    arms.add_argument("--policies", metavar="DIR,DIR", help="tuned policies that route")
    about = "each arm with each prompt: a system prompt, or a template where it holds {input}"
    arms.add_argument("--prompts", metavar="FILE,FILE", help=about)
    arms.add_argument("--arms", metavar="FILE", help="YAML list of {name, tier | model | policy, system, …}")


def _how(parser: Parser) -> None:
    run = parser.add_argument_group("the run")
    run.add_argument("--out", type=folder, metavar="DIR", help="a journal that is there is taken up again")
    run.add_argument("--max-usd", type=usd, metavar="USD", help="stop before the run costs more")
    run.add_argument(
        "--concurrency", type=int, default=8, metavar="N", help="requests at once at each tier (default 8)"
    )
    run.add_argument("--repeats", type=int, default=1, metavar="N", help="times that each row is asked")
    run.add_argument("--seed", type=int, metavar="N", help="sent along, plus the repeat; draws --limit, too")
    run.add_argument("--ttft", action="store_true", help="ask for streams, to know the time to first token")
    about = "ask rows in a shuffled order, look on the way, and stop where the verdict is in"
    run.add_argument("--sequential", action="store_true", help=about)


def _judge(parser: Parser) -> None:
    judge = parser.add_argument_group("judge")
    judge.add_argument("--judge", metavar="TIER", help="grades what only a model can")
    judge.add_argument("--votes", type=int, default=1, metavar="N", help="times that it is asked (odd)")
    judge.add_argument("--pairwise", metavar="A,B", help="it compares these two, in both orders, too")
    about = "questions with planted answers that measure the judge (default 60)"
    judge.add_argument("--judge-checks", type=int, default=60, metavar="N", help=about)
    add_false_accepts(judge)


def add_false_accepts(parser: Any) -> None:
    parser.add_argument(
        "--max-false-accepts",
        type=share,
        default=MAX_FALSE_ACCEPTS,
        metavar="S",
        help="a judge that accepts more of the wrong answers isn't believed (default .15)",
    )


def add_verdict(parser: Any) -> None:
    """What the verdict is about."""
    verdict = parser.add_argument_group("verdict")
    verdict.add_argument("--baseline", metavar="ARM", help="judge the others against this one alone")
    about = "a difference within +-D is a tie, and no regression (default .02)"
    verdict.add_argument("--margin", type=share, metavar="D", help=about)
    about = "share of an arm's samples that may end as errors (default .1)"
    verdict.add_argument("--max-errors", type=share, default=MAX_ERROR_SHARE, metavar="S", help=about)


def _gate(actions: Any) -> None:
    about = "the verdict of a run as an exit code, for CI: calls no tier"
    parser = add_eval(actions, "gate", "eval_gate", about)
    parser.add_argument("run", metavar="RUN", help="a run's folder")
    add_verdict(parser)
    add_false_accepts(parser)
    about = "least quality of every arm but the baseline, by its whole interval"
    parser.add_argument("--min-quality", type=share, metavar="Q", help=about)
    about = "most that a request of an arm may cost on average, in USD"
    parser.add_argument("--max-cost-usd", type=usd, metavar="USD", help=about)
    add_json(parser)
