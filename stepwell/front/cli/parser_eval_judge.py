"""The parser of `stepwell eval judge`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_evals import add_false_accepts
from stepwell.front.cli.parser_parts import add_eval, add_json, folder, usd


def add_judge(actions: Any) -> None:
    """`eval judge`."""
    about = "how often a judge accepts wrong answers, and refuses right ones"
    parser = add_eval(
        actions,
        "judge",
        "eval_judge",
        about,
        exits={
            0: "the judge may be believed",
            2: "refused, or not measured: it accepts more wrong answers than --max-false-accepts",
            3: "infrastructure: it gave no verdicts",
        },
    )
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="JSONL of {id, style, question, gold, answer, judge_votes?, category?}, .gz too; recorded votes are "
        "counted as they are. Default: the planted answers that ship",
    )
    parser.add_argument("--judge", metavar="TIER", help="the tier that is measured")
    parser.add_argument("--votes", type=int, default=1, metavar="N", help="times that it is asked (odd)")
    parser.add_argument(
        "--scale", choices=["binary", "1-5", "1-10"], default="binary", help="default: binary"
    )
    parser.add_argument("--rubric", metavar="FILE", help="what counts, in place of right or wrong")
    parser.add_argument("--no-reference", action="store_true", help="don't show it the right answer")
    parser.add_argument("--pairwise", action="store_true", help="it compares wrong answers with right ones")
    about = "questions, drawn by --seed (default: all in FILE, else 60)"
    parser.add_argument("--judge-checks", type=int, metavar="N", help=about)
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    add_false_accepts(parser)
    parser.add_argument("--out", type=folder, metavar="DIR", help="a journal that is there is taken up again")
    parser.add_argument("--max-usd", type=usd, metavar="USD", help="stop before it costs more")
    parser.add_argument(
        "--concurrency", type=int, default=8, metavar="N", help="requests at once (default 8)"
    )
    add_json(parser)
