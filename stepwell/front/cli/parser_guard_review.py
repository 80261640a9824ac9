"""The parser of `stepwell guard reviews|show|approve|reject|labels|audit`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_parts import Parser, add, add_json
from stepwell.guards.review.review import STATUSES

_REVIEW, _AUDIT = "guard_review", "guard_audit"


def add_review(actions: Any) -> None:
    """What people have to look at, what they decide, and what the audit says."""
    _reviews(actions)
    _show(actions)
    _decide(actions, "approve", "let the text pass from now on")
    _decide(actions, "reject", "block the text from now on")
    _labels(actions)
    _audit(actions)


def _reviews(actions: Any) -> None:
    parser = add(
        actions, "reviews", _REVIEW, "what a policy handed to people, the oldest first; without the texts"
    )
    parser.set_defaults(action="run_reviews")
    parser.add_argument(
        "--status", choices=[*STATUSES, "all"], default="waiting", help="default: %(default)s"
    )
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="at most N (default %(default)s)")
    _whose(parser)
    add_json(parser)


def _show(actions: Any) -> None:
    parser = add(actions, "show", _REVIEW, "one review with its text; exit code 1: there is none")
    parser.set_defaults(action="run_show")
    parser.add_argument(
        "id", metavar="ID", help="as in `guard reviews`, or in the refusal that the caller got"
    )
    _whose(parser)
    add_json(parser)


def _decide(actions: Any, name: str, about: str) -> None:
    parser = add(actions, name, _REVIEW, f"{about}; exit code 1: there is none, or it was decided otherwise")
    parser.set_defaults(action=f"run_{name}")
    parser.add_argument("id", metavar="ID")
    parser.add_argument("--note", default="", metavar="TEXT", help="why; kept with the decision")
    parser.add_argument("--by", metavar="NAME", help="who decides (default: your login)")
    about = "even where it was decided otherwise, or nobody looked at it in time"
    parser.add_argument("--overrule", action="store_true", help=about)
    _whose(parser)


def _labels(actions: Any) -> None:
    about = (
        "decisions as JSONL {text, label: 1 rejected | 0 approved, check, stage, ts_s}, for `guard tune`; with --out "
        "their texts are then erased from the queue"
    )
    parser = add(actions, "labels", _REVIEW, about)
    parser.set_defaults(action="run_labels")
    parser.add_argument("--out", metavar="FILE", help="default: stdout")
    how = parser.add_mutually_exclusive_group()
    about = "with --out: leave the texts in the queue, for another export"
    how.add_argument("--keep", action="store_true", help=about)
    about = "without --out: erase the texts too, though nobody knows whether they arrived"
    how.add_argument("--erase", action="store_true", help=about)
    _whose(parser)


def _audit(actions: Any) -> None:
    about = (
        "sums of an audit file; exit code 1: a request that was bound to tiers reached another, or the file proves "
        "nothing: a line is unreadable, or there is none"
    )
    parser = add(actions, "audit", _AUDIT, about)
    parser.add_argument("file", nargs="+", metavar="FILE", help="from guards.audit.path; .gz too; - is stdin")
    parser.add_argument("--kind", metavar="K", help="only requests where this was found: EMAIL")
    add_json(parser)


def _whose(parser: Parser) -> None:
    parser.add_argument("--tenant", metavar="NAME", help="of this tenant alone")
    parser.add_argument("--path", metavar="FILE", help="SQLite file; default: guards.review.path")
