"""The parser of `stepwell eval report`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_evals import add_false_accepts, add_verdict
from stepwell.front.cli.parser_parts import add_eval, add_json


def add_report(actions: Any) -> None:
    """`eval report`."""
    about = "the pages of a run: one HTML file that opens offline, and Markdown; calls no tier"
    parser = add_eval(actions, "report", "eval_report", about)
    parser.epilog = "exit code 0 once the files are written, whatever the verdict: `eval gate` gives that one"
    parser.add_argument("run", metavar="RUN", help="a run's folder")
    parser.add_argument("--html", metavar="FILE", help="default: report.html in the run's folder")
    about = "default: report.md in the run's folder; - writes to stdout"
    parser.add_argument("--markdown", metavar="FILE", help=about)
    about = "rows that failed, of each arm, in the Markdown (default 20)"
    parser.add_argument("--failures", type=int, default=20, metavar="N", help=about)
    parser.add_argument(
        "--prompts", action="store_true", help="the Markdown shows how their prompts and answers begin"
    )
    about = "longer texts are cut in the HTML (default 20000)"
    parser.add_argument("--max-chars", type=int, default=20_000, metavar="N", help=about)
    sinks = parser.add_argument_group("elsewhere, where the package is installed")
    about = "log the run to MLflow; default: MLFLOW_TRACKING_URI"
    sinks.add_argument("--mlflow", nargs="?", const="", metavar="URI", help=about)
    sinks.add_argument("--wandb", nargs="?", const="stepwell", metavar="PROJECT", help="log it to W&B")
    about = "send the page with prompts and answers there, too"
    sinks.add_argument("--with-samples", action="store_true", help=about)
    add_verdict(parser)
    add_false_accepts(parser)
    add_json(parser)
