"""The parsers of `stepwell eval import|from-traffic|replay|compare`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_parts import add_eval, add_json, share

_FORMATS = ["auto", "stepwell", "litellm", "langfuse", "otel"]


def add_traffic(actions: Any) -> None:
    """`eval import`, `eval from-traffic`, `eval replay`, `eval compare`."""
    _import(actions)
    _from_traffic(actions)
    _replay(actions)
    _compare(actions)


def _log(parser: Any, what: str = "our decision log, or another tool's; .gz too") -> None:
    parser.add_argument("log", metavar="LOG", help=what)
    parser.add_argument("--format", choices=_FORMATS, default="auto", help="default: by the first records")
    about = "tiers of the log's models; default: the configuration's"
    parser.add_argument("--map", metavar="MODEL=TIER,…", help=about)


def _import(actions: Any) -> None:
    about = "logs of LiteLLM, Langfuse or OpenTelemetry as a decision log, personal data and secrets masked"
    parser = add_eval(
        actions,
        "import",
        "eval_traffic",
        about,
        exits={0: "done", 3: "more records could not be read than could"},
    )
    parser.set_defaults(action="run_import")
    _log(parser)
    parser.add_argument("--out", required=True, metavar="FILE", help="the decision log, mode 600")
    parser.add_argument("--no-text", action="store_true", help="keep traits of the asks, and no text")


def _from_traffic(actions: Any) -> None:
    about = "a suite of masked samples of traffic"
    exits = {0: "done", 2: "nothing in the log can be asked again"}
    parser = add_eval(actions, "from-traffic", "eval_traffic", about, exits=exits)
    parser.set_defaults(action="run_from_traffic")
    _log(parser)
    parser.add_argument("--out", required=True, metavar="SUITE", help="JSONL, mode 600")
    parser.add_argument("--n", type=int, default=200, metavar="N", help="rows (default 200)")
    about = "drawn evenly over these (tier, kind, difficulty); default: %(default)s"
    parser.add_argument("--stratify", default="tier,kind", metavar="A,B", help=about)
    about = "what a judge grades answers by, where there is no target"
    parser.add_argument("--rubric", metavar="TEXT", help=about)
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    add_json(parser)


def _replay(actions: Any) -> None:
    about = "decide a log again under a policy: what changes, what it costs, and whether it is as good"
    parser = add_eval(
        actions,
        "replay",
        "eval_traffic",
        about,
        exits={
            0: "as good as before, or better",
            1: "worse",
            2: "not known yet: too few outcomes, or the policy learnt from these very requests",
            3: "the log can't be decided again",
        },
    )
    parser.set_defaults(action="run_replay")
    _log(parser)
    about = "a folder from `stepwell tune`, or coldstart"
    parser.add_argument("--policy", required=True, metavar="NEW", help=about)
    about = (
        "scores by tier of logged requests: JSONL outcomes, or a run's folder; feedback.path is read anyway"
    )
    parser.add_argument("--outcomes", metavar="FILE", help=about)
    parser.add_argument("--prices", metavar="A=IN/OUT,…", help="USD per 1M tokens; default: as configured")
    about = "differences in quality within it, over all traffic, do not matter (default 0.02)"
    parser.add_argument("--margin", type=share, default=0.02, metavar="Q", help=about)
    add_json(parser)


def _compare(actions: Any) -> None:
    about = "tuned routers beside every fixed tier, on a run's outcomes that they have not learnt from"
    parser = add_eval(
        actions,
        "compare",
        "eval_traffic",
        about,
        exits={
            0: "every router keeps what it may lose against the dearest tier (--margin)",
            1: "one loses more",
            2: "not known yet: too few rows",
        },
    )
    parser.set_defaults(action="run_compare")
    parser.add_argument("run", metavar="RUN", help="a run's folder, or a JSONL file of outcomes")
    about = "folders from `stepwell tune`"
    parser.add_argument("--policy", required=True, metavar="DIR,DIR2", help=about)
    parser.add_argument("--tiers", metavar="A,B", help="in order of price; default: the policy's")
    parser.add_argument("--prices", metavar="A=IN/OUT,…", help="where the outcomes have no costs")
    about = "quality that may be lost against the dearest tier; default: what the tuning promised, else 0.02"
    parser.add_argument("--margin", type=share, metavar="Q", help=about)
    add_json(parser)
