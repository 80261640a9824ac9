"""The whole page: written piece by piece, so that a long run takes no more memory than a short one."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from stepwell.evals.entries import JournalError
from stepwell.evals.gate import Gate
from stepwell.evals.page import browser, sections
from stepwell.evals.page.cells import MAX_TEXT_CHARS, packed, pieces
from stepwell.evals.page.fill import figures_of
from stepwell.evals.page.frontier import frontier
from stepwell.evals.page.index import Index, index_of
from stepwell.evals.page.style import PAGE
from stepwell.evals.page.text import esc
from stepwell.evals.report import Report
from stepwell.evals.suite import Row


def write_page(
    path: str | Path,
    report: Report,
    *,
    gate: Gate,
    journal: str | Path,
    rows: Sequence[Row] = (),
    max_text_chars: int = MAX_TEXT_CHARS,
) -> None:
    """Write the report of a run as one HTML file that opens offline; the same bytes for the same journal.

    It holds prompts and answers, so only its owner may read it (mode 600).

    Args:
        rows: Of the suite, for prompts and targets; without them there are ids and answers.
        max_text_chars: Longer texts are cut; the journal has them whole.

    Raises:
        JournalError: The journal can't be read, or the page can't be written.
    """
    index = index_of(journal, rows)
    file = Path(path)
    fresh = file.with_name(file.name + ".part")
    try:
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as out:
            for text in _parts(
                report, gate, index, pieces(journal, index, rows, max_text_chars=max_text_chars)
            ):
                out.write(text.encode("utf-8", "replace"))
        fresh.replace(file)
    except OSError as e:
        raise JournalError(f"{path}: {e.strerror}") from e


def _parts(report: Report, gate: Gate, index: Index, texts: Iterator[tuple[int, str]]) -> Iterator[str]:
    figures = figures_of(report, gate, index.header)
    script = browser.script()
    yield _head(f"{report.suite}: {gate.word}", script)
    yield "\n".join(
        (
            sections.verdict(figures),
            sections.arms(figures),
            sections.frontier(figures, frontier(index, figures.arms)),
            sections.pairs(figures),
            sections.judges(figures),
            sections.tags(figures),
            browser.frame(),
            sections.origin(figures, version("stepwell")),
        )
    )
    yield f'\n</main>\n<script type="text/plain" id="index">{packed(_columns(index))}</script>\n'
    counts = []
    for n, text in texts:
        counts.append(n)
        yield f'<script type="text/plain" class="piece">{text}</script>\n'
    yield f'<script type="application/json" id="meta">{_meta(index, counts)}</script>\n'
    yield f"<script>{script}</script>\n</body>\n</html>\n"


def _head(title: str, script: str) -> str:
    # nothing may be fetched, and no script but ours may run, whatever an answer says
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; "
        f"form-action 'none'"
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="referrer" content="no-referrer">\n<title>{esc(title)}</title>\n'
        f"<style>{PAGE}{browser.looks()}</style>\n</head>\n<body>\n<main>\n"
    )


def _kinds(index: Index) -> tuple[list[tuple[str, ...]], list[int]]:
    """Each set of tags once, and the one of each row."""
    kinds = {tags: n for n, tags in enumerate(dict.fromkeys(index.tags))}
    return list(kinds), [kinds[tags] for tags in index.tags]


def _columns(index: Index) -> bytes:
    """Score, dollars and milliseconds of every sample, the kind of every row, the state of every sample."""
    _, of_row = _kinds(index)
    columns = (
        array("f", index.score),
        array("f", (nano_usd / 1e9 for nano_usd in index.nano_usd)),
        array("f", index.ms),
        array("I", of_row),
        array("B", index.state),
    )
    if sys.byteorder == "big":
        for column in columns:
            column.byteswap()
    return b"".join(c.tobytes() for c in columns)


def _meta(index: Index, counts: list[int]) -> str:
    kinds, of_row = _kinds(index)
    n_rows = Counter(of_row)
    n_of = Counter[str]()
    for n, tags in enumerate(kinds):
        for tag in dict.fromkeys(tags):
            n_of[tag] += n_rows[n]
    tags_by_rows = sorted(n_of, key=lambda tag: (-n_of[tag], tag))
    places = {tag: n for n, tag in enumerate(tags_by_rows)}
    raw = json.dumps(
        {
            "nRows": len(index.ids),
            "arms": index.arms,
            "nRepeats": index.n_repeats,
            "errors": index.errors,
            "tags": tags_by_rows,
            "tagRows": [n_of[tag] for tag in tags_by_rows],
            "kinds": [[places[tag] for tag in dict.fromkeys(tags)] for tags in kinds],
            "pieces": counts,
        },
        separators=(",", ":"),
    )
    return raw.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
