"""The parser of `stepwell local collect`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_parts import add, add_json, share

_TRAFFIC = ["auto", "stepwell", "litellm", "langfuse", "otel"]


def add_local_collect(actions: Any) -> None:
    """`local collect [TRAFFIC...]`."""
    about = (
        "examples to learn from: answers of the best tier from traffic, a suite's targets, answers of a run"
    )
    parser = add(actions, "collect", "local_collect", about)
    about = "decision logs, or another tool's; only of tenants in finetune.consented_tenants"
    parser.add_argument("traffic", nargs="*", metavar="TRAFFIC", help=about)
    parser.add_argument("--out", required=True, metavar="FILE", help="examples, JSONL, mode 600")
    _of_traffic(parser.add_argument_group("of traffic"))
    _of_suites(parser.add_argument_group("of suites and runs"))
    about = 'write an answer that is a label as {"FIELD": label}'
    parser.add_argument("--as-json", metavar="FIELD", help=about)
    about = "of the texts, where no source says so: for the card"
    parser.add_argument("--licence", default="", metavar="NAME", help=about)
    add_json(parser)


def _of_traffic(group: Any) -> None:
    group.add_argument(
        "--tier", metavar="T", help="whose answers; default: whose tokens cost most, as recorded"
    )
    group.add_argument("--rule", metavar="R", help="only where this routing rule matched")
    about = "only where it is found in the last ask or the system prompt"
    group.add_argument("--like", metavar="REGEX", help=about)
    forms = ["text", "json_object", "json_schema"]
    group.add_argument("--response-format", choices=forms, help="only where this was asked for")
    group.add_argument("--since", metavar="DATE", help="ISO 8601, or Unix seconds")
    group.add_argument("--until", metavar="DATE", help="as --since")
    about = "take answers that came after another tier had failed or answered poorly, too"
    group.add_argument("--any-try", action="store_true", help=about)
    group.add_argument(
        "--traffic-format", choices=_TRAFFIC, default="auto", help="default: by the first records"
    )
    about = "tiers of the log's models; default: the configuration's"
    group.add_argument("--map", metavar="MODEL=TIER,…", help=about)


def _of_suites(group: Any) -> None:
    group.add_argument("--suite", action="append", default=[], metavar="S", help="may be given several times")
    group.add_argument("--format", metavar="F", help="of suites; default: told by the fields of their rows")
    group.add_argument("--fields", metavar="prompt=F,target=G", help="fields of a data set of your own")
    group.add_argument(
        "--run", action="append", default=[], metavar="DIR", help="folder of `stepwell eval run`"
    )
    group.add_argument("--arm", metavar="A", help="whose answers of the runs")
    about = "of the runs' answers; 0 takes those that nobody scored, too (default %(default)s)"
    group.add_argument("--min-score", type=share, default=0.75, metavar="Q", help=about)
