"""`stepwell eval guards`: what guards find in labelled texts, and what the heads are worth where they never learned."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import Lines, config_of
from stepwell.front.cli.parser_parts import add, add_json

if TYPE_CHECKING:
    from stepwell.evals.guards.heads import ProjectReport
    from stepwell.evals.guards.measure import HeadReport
    from stepwell.evals.guards.rows import Row
    from stepwell.evals.guards.values import ValueReport

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class _Span(msgspec.Struct):
    start: int
    end: int
    type: str


class _Line(msgspec.Struct):
    text: str
    label: int | bool | None = None
    spans: list[tuple[int, int, str] | _Span] | None = None
    category: str = ""
    source: str = ""
    overdefense: bool | int = False


_check = msgspec.json.Decoder(_Line).decode


def add_guards_measure(actions: Any) -> None:
    """`eval guards`."""
    about = "guards on labelled texts: values found, attacks ranked, honest texts flagged"
    parser = add(actions, "guards", "measure_guards", about)
    parser.set_defaults(action="run_guards")
    parser.add_argument(
        "file",
        metavar="FILE",
        help="JSONL of {text, spans: [[start, end, type]]} or {text, category, label, source}; .gz too",
    )
    how = parser.add_mutually_exclusive_group()
    about = "train the injection heads anew without each project of attacks, and measure there"
    how.add_argument("--leave-out", action="store_true", help=about)
    about = "attacks that are caught in plain, hidden in other ways"
    how.add_argument("--disguise", action="store_true", help=about)
    about = "other guards beside, those that are installed"
    how.add_argument("--peers", action="store_true", help=about)
    parser.add_argument("--yara", metavar="FILE", help="with --peers: rules of a YARA scanner (vigil's, say)")
    about = "with --leave-out: letters and notes to learn from, JSONL of {text}"
    parser.add_argument("--documents", metavar="FILE", help=about)
    add_json(parser)


def run_guards(args: Namespace) -> int:
    rows = _rows(args.file)
    if any("spans" in row for row in rows):
        return _values(args, rows)
    if any(row.get("label") is None for row in rows):
        raise UsageError(f"{args.file}: a row has neither spans nor a label")
    from stepwell.base.embedding import load_embedder
    from stepwell.evals.guards.rows import read_rows

    labelled = read_rows(Path(args.file))
    embed = load_embedder(config_of(args).embedding).embed
    if args.leave_out:
        return _left_out(args, labelled, embed)
    if args.disguise:
        return _disguised(args, labelled, embed)
    from stepwell.evals.guards.measure import measure
    from stepwell.evals.guards.peers import judge_peers

    with terminal.progress("heads") as show:
        reports = measure(labelled, embed, lambda head, n, of: show(n, of))
    if not reports:
        raise UsageError(f"{args.file}: no attacks with honest texts beside them")
    found = judge_peers(labelled, terminal.say, yara_rules=args.yara) if args.peers else []
    if args.json:
        terminal.say_json(msgspec.to_builtins([*reports, *found]))
        return Exit.OK
    for report in [*reports, *found]:
        _show_head(report)
    return Exit.OK


def _rows(file: str) -> list[dict[str, Any]]:
    """Raises:
    UsageError: A line is no such row; shows no text.
    """
    found = []
    for n, line in enumerate(Lines([file]), start=1):
        if line.strip():
            try:
                read = _check(line)
                found.append(_decode(line))
            except (msgspec.MsgspecError, UnicodeError, RecursionError):
                raise UsageError(f"{file}, line {n}: not a row with a text, and spans or a label") from None
            if not all(0 <= start < end <= len(read.text) for start, end in _places(read)):
                raise UsageError(f"{file}, line {n}: a span is empty, or lies outside the text")
    if not found:
        raise UsageError(f"{file}: no rows")
    return found


def _places(read: _Line) -> list[tuple[int, int]]:
    return [(s.start, s.end) if isinstance(s, _Span) else s[:2] for s in read.spans or ()]


def _values(args: Namespace, rows: list[dict[str, Any]]) -> int:
    from stepwell.evals.guards.replay import value_checks
    from stepwell.evals.guards.values import count_values

    reports = [count_values(rows, value_checks())]
    if args.peers:
        from stepwell.evals.guards.peers import value_peers

        reports += value_peers(rows, terminal.say)
    if args.json:
        terminal.say_json(msgspec.to_builtins(reports))
        return Exit.OK
    for report in reports:
        _show_values(report)
    return Exit.OK


def _show_values(report: ValueReport) -> None:
    rows = []
    for c in (*report.by_label, report.total):
        low, high = c.recall_range
        rows.append(
            (
                c.label,
                str(c.n),
                f"{c.recall:.3f}",
                f"[{low:.3f}, {high:.3f}]",
                f"{c.n_covered / c.n if c.n else 1:.3f}",
                f"{c.precision:.3f}" if c.n_hits else "",
            )
        )
    terminal.say(f"{report.name}: {report.us_per_1000_chars:.0f} us of CPU per 1,000 characters")
    terminal.table(("type", "values", "recall", "95 %", "wholly", "precision"), rows)
    share = report.n_flagged / report.n_clean if report.n_clean else 0.0
    terminal.say(f"texts without a label: {report.n_clean}, flagged {report.n_flagged} ({share:.1%})")


def _show_head(report: HeadReport) -> None:
    terminal.say(f"{report.head}: AUC {report.auc:.3f}, shipped threshold for 1 %: {report.threshold:.3f}")
    attacks = [
        (a.name, str(a.n), f"{a.auc:.3f}", *(f"{s:.3f}" for s in a.at_shares or ()), f"{a.at_default:.3f}")
        for a in report.attacks
    ]
    mean = ("mean", "", "", *(f"{s:.3f}" for s in report.mean_recall), "")
    head = ("attacks", "rows", "AUC", "recall at 1 %", "at 5 %", "at the shipped threshold")
    terminal.table(head, [*attacks, mean])
    terminal.table(
        ("honest texts", "rows", "flagged at the shipped threshold"),
        [(h.name, str(h.n), f"{h.at_default:.3f}") for h in report.honest],
    )
    if report.lookalikes_ok is not None:
        terminal.say(f"suspicious-looking honest texts left alone at 1 %: {report.lookalikes_ok:.3f}")


def _left_out(args: Namespace, rows: Sequence[Row], embed: Any) -> int:
    from stepwell.evals.guards.heads import leave_projects_out
    from stepwell.evals.guards.plain import cached, pieces, plain_documents, thinned
    from stepwell.evals.guards.prompts import joined
    from stepwell.evals.guards.rows import own_rows

    own, plain = own_rows(), plain_documents(None if args.documents is None else Path(args.documents))
    learned = [*own, *joined(own), *pieces(plain)]
    with terminal.progress("embedding") as show:
        reports, _ = leave_projects_out(thinned(rows), learned, plain, cached(embed, show))
    if args.json:
        terminal.say_json(msgspec.to_builtins(reports))
        return Exit.OK
    _show_projects(reports)
    return Exit.OK


def _show_projects(reports: Sequence[ProjectReport]) -> None:
    lines, carried = [], []
    for r in reports:
        for category, (one, five) in r.recall.items():
            alike = "" if r.lookalikes_ok is None else f"{r.lookalikes_ok:.3f}"
            lines.append((r.project, category, f"{r.auc:.3f}", f"{one:.3f}", f"{five:.3f}", alike))
        carried += [(r.project, source, f"{share:.3f}") for source, share in r.carried.items()]
    categories = sorted({c for r in reports for c in r.recall})
    means = [_mean([r.recall[c][i] for r in reports if c in r.recall]) for c in categories for i in (0, 1)]
    terminal.table(
        ("left out", "category", "AUC", "recall at 1 %", "at 5 %", "look-alikes left alone"), lines
    )
    terminal.say(
        f"mean AUC {_mean([r.auc for r in reports]):.3f}; recall, mean over categories: "
        f"{_mean(means[::2]):.3f} at 1 %, {_mean(means[1::2]):.3f} at 5 %"
    )
    terminal.table(("left out", "honest source left out", "flagged by the threshold frozen at 1 %"), carried)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _disguised(args: Namespace, rows: Sequence[Row], embed: Any) -> int:
    from stepwell.evals.guards.disguises import EIGHT, MORE
    from stepwell.evals.guards.measure import disguised
    from stepwell.evals.guards.surrounded import surrounded

    with terminal.progress("disguises") as show:
        ways = {**EIGHT, **MORE, **surrounded(rows)}
        n, shares = disguised(rows, ways, embed, lambda name, done, of: show(done, of))
    if args.json:
        terminal.say_json({"n_plain": n, "caught": shares})
        return Exit.OK
    terminal.say(f"{n} attacks that the shipped threshold catches in plain; of those caught, hidden as")
    terminal.table(("disguise", "caught"), [(name, f"{share:.3f}") for name, share in shares.items()])
    return Exit.OK
