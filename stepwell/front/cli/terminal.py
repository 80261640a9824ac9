"""Print: tables and colour where a person reads, plain lines where a program does."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from stepwell.base.messages import encode_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_COLOURS = {"ok": "green", "chosen": "green", "fallback": "cyan", "warn": "yellow", "fail": "red"}
# numbers, with their units and a word between: "$1.2e-05", "0.68 to 0.74", "12 ms", "-"
_FIGURE = re.compile(r"[^A-Za-z]*(?:e[-+]?\d+)?[A-Za-z]{0,2}")
_NAME_CHARS = 12  # of a name or a sentence, in a row of a table; the rest folds
# a model's answer must not steer the reader's terminal
_CONTROLS = {c: "\ufffd" for c in (*range(32), *range(127, 160)) if chr(c) not in "\n\t"}


def say(text: str) -> None:
    """One line for the person, on stderr: it never mixes with an answer on stdout."""
    print(printable(text, sys.stderr), file=sys.stderr)


def say_json(value: object) -> None:
    """One line of JSON on stdout; dataclasses and msgspec Structs as objects."""
    print(encode_json(value).decode())


def printable(text: str, stream: TextIO) -> str:
    """The text as it may be shown: on a terminal without control characters, in a pipe verbatim."""
    return text.translate(_CONTROLS) if stream.isatty() else text


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on stdout: drawn on a terminal, columns of plain text elsewhere."""
    if sys.stdout.isatty():
        _draw(head, rows)
        return
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, *rows):
        print("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip())


_Grid = tuple[Sequence[str], Sequence[Sequence[str]]]


def _draw(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console

    console = Console()  # NO_COLOR, TERM=dumb and the width are rich's to respect
    turned = [tuple(of) for of in zip(head, *rows, strict=True)]
    grids: tuple[_Grid, ...] = ((head, rows), (turned[0], turned[1:]))
    for names, lines in grids:
        widths = _widths(names, lines, console.width)
        if widths:
            _draw_grid(names, lines, widths, console)
            return
    for row in rows:
        _draw_card(head, row, console)


def _widths(head: Sequence[str], rows: Sequence[Sequence[str]], n_columns: int) -> list[int]:
    """Characters of each column, so that figures stand in one piece and names fold; empty where that won't fit."""
    cells = list(zip(head, *rows, strict=True))
    widths = [max(map(_least, of)) for of in cells]
    spare = n_columns - sum(widths) - 3 * len(head) - 1
    if spare < 0:
        return []
    for n, of in enumerate(cells):
        more = min(spare, max(map(len, of)) - widths[n])
        widths[n], spare = widths[n] + more, spare - more
    return widths


def _least(cell: str) -> int:
    """Characters that a cell takes at least: figures stay whole."""
    is_figure = all(_FIGURE.fullmatch(word) for word in cell.split())
    return len(cell) if is_figure else min(len(cell), _NAME_CHARS)


def _cell(text: str) -> Text:
    from rich.text import Text

    return Text(printable(text, sys.stdout), style=_COLOURS.get(text, ""))


def _draw_grid(
    head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], console: Console
) -> None:
    from rich.table import Table

    drawn = Table()
    for name, width in zip(head, widths, strict=True):
        drawn.add_column(_cell(name), width=width, overflow="fold")
    for row in rows:
        drawn.add_row(*map(_cell, row))
    console.print(drawn)


def _draw_card(head: Sequence[str], row: Sequence[str], console: Console) -> None:
    """A row by itself, a line for each column: where no table would fit."""
    from rich.table import Table

    drawn = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    drawn.add_column(no_wrap=True, min_width=max(map(len, head)))
    drawn.add_column(overflow="fold")
    for name, cell in zip(head, row, strict=True):
        drawn.add_row(name, _cell(cell))
    console.print(drawn)
    console.print()


@contextlib.contextmanager
def progress(what: str, *, is_bytes: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Show how far something is, on stderr: a bar on a terminal, a line each quarter elsewhere.

    Yields:
        A function of how much is done and how much there is.
    """
    if not sys.stderr.isatty():
        yield _quarters(what)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(*_columns(is_bytes), console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


ShowRun = Callable[[int, int, float, float | None], None]


@contextlib.contextmanager
def run_progress(what: str) -> Iterator[ShowRun]:
    """As `progress`, of a run that is paid for: with the cost so far and the time left.

    Yields:
        A function of samples done and planned, USD spent, and seconds left where that can be told.
    """
    with told_progress(what) as show:
        yield lambda done, total, spent_usd, left_s: show(done, total, _left(spent_usd, left_s))


@contextlib.contextmanager
def told_progress(what: str) -> Iterator[Callable[[int, int, str], None]]:
    """As `progress`, with a few words beside the bar.

    Yields:
        A function of how much is done, how much there is, and the words.
    """
    if not sys.stderr.isatty():
        yield _quarters(what)
        return
    from rich import progress as rich
    from rich.console import Console

    columns = [*_columns(False)[:-1], rich.TextColumn("{task.fields[words]}")]
    with rich.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=None, words="")
        yield lambda done, total, words: bar.update(task, completed=done, total=total, words=words)


def _left(spent_usd: float, left_s: float | None) -> str:
    spent = f"{usd(spent_usd)} so far"
    return f"{spent}, {span(left_s)} left" if left_s else spent


def span(seconds: float) -> str:
    """ "45 s", "12 min"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min" if minutes else f"{rest} s"


def _columns(is_bytes: bool) -> list[Any]:
    from rich import progress as rich

    amount = rich.DownloadColumn() if is_bytes else rich.MofNCompleteColumn()
    return [rich.TextColumn("{task.description}"), rich.BarColumn(), amount, rich.TimeRemainingColumn()]


def _quarters(what: str) -> Callable[..., None]:
    shown = 0

    def show(done: int, total: int, more: str = "") -> None:
        nonlocal shown
        quarter = 4 * done // total if total else 0
        if quarter > shown:
            shown = quarter
            print(f"{what}: {25 * quarter}%{', ' if more else ''}{more}", file=sys.stderr)

    return show


def rows(n: int) -> str:
    """ "1 row", "1,200 rows"."""
    return f"{n:,} row{'' if n == 1 else 's'}"


def usd(amount: float | None) -> str:
    """Dollars with the digits that small sums need."""
    if amount is None:
        return "?"
    if amount == 0:
        return "$0"
    return f"${amount:.2f}" if amount >= 1 else f"${amount:.3g}"
