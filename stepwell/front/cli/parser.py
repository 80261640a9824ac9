"""The command line: every command, its options, and the module that does it."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.measure_guards import add_guards_measure
from stepwell.front.cli.parser_cache import add_cache, add_cache_measure, add_replay_cache
from stepwell.front.cli.parser_context import add_context_measure, add_replay_context
from stepwell.front.cli.parser_conversation import add_conversation
from stepwell.front.cli.parser_eval_aa import add_aa
from stepwell.front.cli.parser_eval_drift import add_drift
from stepwell.front.cli.parser_eval_judge import add_judge
from stepwell.front.cli.parser_eval_report import add_report
from stepwell.front.cli.parser_eval_traffic import add_traffic
from stepwell.front.cli.parser_evals import add_runs
from stepwell.front.cli.parser_guard import add_guard
from stepwell.front.cli.parser_local import add_local
from stepwell.front.cli.parser_parts import Parser, add, add_config, add_json
from stepwell.front.cli.parser_tune import add_measures, add_tune
from stepwell.front.cli.replay_guards import add_replay_guards


def make_parser() -> Parser:
    parser = Parser(
        prog="stepwell", description="Route each prompt to the cheapest tier that is good enough."
    )
    add_config(parser, default=None)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _init(commands)
    _ask(commands)
    _explain(commands)
    _serve(commands)
    _check(commands)
    _eval(commands)
    _replay(commands)
    add_tune(commands)
    _feedback(commands)
    add_cache(commands)
    add_conversation(commands)
    add_guard(commands)
    add_local(commands)
    return parser


def _init(commands: Any) -> None:
    parser = add(commands, "init", "init", "propose a stepwell.yaml from the keys and weights found here")
    parser.add_argument("--path", default="stepwell.yaml", metavar="PATH", help="default: stepwell.yaml")
    parser.add_argument("--force", action="store_true", help="overwrite the file")


def _wishes(parser: Parser) -> None:
    parser.add_argument("prompt", metavar="PROMPT", help="the question; - reads it from stdin")
    parser.add_argument("--model", metavar="NAME", help="auto, a tier or a model")
    parser.add_argument("--tier", metavar="NAME", help="pin to this tier")
    parser.add_argument("--min-tier", metavar="NAME", help="nothing cheaper than this tier")
    parser.add_argument("--max-usd", type=float, metavar="USD", help="hard limit, every try counted")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="longest answer")
    parser.add_argument("--tenant", metavar="NAME", help="whose cache and budget")
    parser.add_argument("--timeout-s", type=float, metavar="S", help="deadline over all tries")
    parser.add_argument("--conversation", metavar="ID", help="go on with this one; context.path keeps it")
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write the cache")
    about = "where only tiers under the quality floor are left: an error, or a flagged answer"
    parser.add_argument("--below-floor", choices=["refuse", "flag"], help=about)


def _ask(commands: Any) -> None:
    parser = add(commands, "ask", "ask", "answer on stdout; tier, cost and why on stderr")
    _wishes(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--stream", action="store_true", help="print the answer as it comes")
    add_json(how)


def _explain(commands: Any) -> None:
    parser = add(commands, "explain", "explain", "show the routing decision; calls no tier")
    _wishes(parser)
    add_json(parser)


def _serve(commands: Any) -> None:
    parser = add(commands, "serve", "serve", "serve the OpenAI-compatible API")
    parser.add_argument("--host", help="default: the configuration's")
    parser.add_argument("--port", type=int, help="default: the configuration's")


def _check(commands: Any) -> None:
    about = "what is reachable, what lacks a key, and what each promise rests on"
    add_json(add(commands, "check", "check", about))


def _eval(commands: Any) -> None:
    parser: Parser = commands.add_parser("eval", help="measure tiers on a suite, and routers on outcomes")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    add_measures(actions)
    add_cache_measure(actions)
    add_context_measure(actions)
    add_guards_measure(actions)
    add_runs(actions)
    add_aa(actions)
    add_judge(actions)
    add_report(actions)
    add_traffic(actions)
    add_drift(actions)


def _replay(commands: Any) -> None:
    parser = add(commands, "replay", "replay", "run recorded rows through one stage, a row out for each")
    parser.add_argument("stage", metavar="STAGE", help="router, cascade, guards, cache or context")
    parser.add_argument(
        "file", metavar="FILE", help="JSONL (context: LoCoMo's JSON, too), .gz too; - reads stdin"
    )
    parser.add_argument("--out", metavar="FILE", help="default: stdout")
    router = parser.add_argument_group("router and cascade")
    router.add_argument(
        "--policy", metavar="DIR", help="from `stepwell tune`; default: the shipped cold start"
    )
    router.add_argument("--share", type=float, metavar="S", help="hold this share on the dearest tier, 0..1")
    add_replay_cache(parser)
    add_replay_context(parser)
    add_replay_guards(parser)
    cascade = parser.add_argument_group("cascade: over recorded answers")
    cascade.add_argument("--cheap", metavar="A,B", help="tiers whose answers are compared, cheapest first")
    cascade.add_argument("--middle", metavar="NAME", help="asked where they differ")
    cascade.add_argument("--strong", metavar="NAME", help="where it goes else")
    cascade.add_argument("--accept-above", type=float, metavar="P", help="least p(right) to take an answer")
    cascade.add_argument("--prices", metavar="A=IN/OUT,…", help="USD per 1M tokens read and written")
    cascade.add_argument("--texts", metavar="FILE", help="whole answers: {id, model, text}")


def _feedback(commands: Any) -> None:
    parser: Parser = commands.add_parser("feedback", help="outcomes that feedback has made")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    export = add(actions, "export", "feedback", "write outcomes as JSONL, for `stepwell tune`")
    export.add_argument("--out", metavar="FILE", help="default: stdout")
    export.add_argument("--tenant", metavar="NAME", help="of this tenant alone")
    export.set_defaults(action="run_export")
    drift = add(actions, "drift", "feedback", "has traffic moved since tuning? exit code 1: yes, tune again")
    drift.set_defaults(action="run_drift")
    add_json(drift)
