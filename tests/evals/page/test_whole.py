"""The file itself: sound HTML, nothing fetched, the same bytes for the same run, for its owner alone."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import stat
import zlib
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from stepwell.evals.entries import Compared, Entry, JournalError, Planted
from stepwell.evals.gate import gate
from stepwell.evals.page.cells import PIECE_BYTES
from stepwell.evals.page.whole import write_page
from stepwell.evals.report import Question, from_journal
from stepwell.evals.suite import Row
from tests.support.eval_runs import Made, made_run

VOID = {"meta", "input", "br", "img", "link", "hr"}
HOSTILE = '</script><img src=x onerror="alert(1)"><!--\u202e\u0000'


class Reader(HTMLParser):
    """Fails where elements do not close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.names: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.ids += [v or "" for name, v in attrs if name == "id"]
        self.links += [v or "" for name, v in attrs if name in ("src", "href", "action", "poster")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page_of(
    made: Made, folder: Path, *, baseline: str | None = None, rows: Sequence[Row] | None = None
) -> str:
    report = from_journal(made.journal, suite=made.suite, question=Question(baseline, 0.02))
    path = folder / "page.html"
    write_page(
        path, report, gate=gate(report), journal=made.journal, rows=made.suite.rows if rows is None else rows
    )
    return path.read_text("utf-8")


def texts(page: str) -> Iterator[list[object]]:
    """Rows as the browser gets them."""
    for piece in re.findall(r'class="piece">([^<]*)<', page):
        yield from json.loads(zlib.decompress(base64.b64decode(piece), wbits=-zlib.MAX_WBITS))


def meta(page: str) -> dict[str, object]:
    found = re.search(r'id="meta">(.*?)</script>', page)
    assert found is not None
    read: dict[str, object] = json.loads(found[1])
    return read


def test_is_sound_and_fetches_nothing(tmp_path: Path) -> None:
    made = made_run(tmp_path, 60, arms=("cheap", "good", "auto"))
    with open(made.journal, "ab") as file:
        for n in range(20):
            planted = Planted(key=f"c{n}", case=str(n), style="vague", is_accepted=n % 3 == 0)
            compared = Compared(key=f"p{n}", row=f"row-{n}", a="good", b="cheap", score=n % 2)
            file.write(msgspec.json.encode(planted) + b"\n" + msgspec.json.encode(compared) + b"\n")
    page = page_of(made, tmp_path, baseline="good")
    read = Reader(page)
    assert len(read.ids) == len(set(read.ids))
    assert read.names.count("h1") == 1
    assert read.links == []
    assert read.handlers == []
    assert "default-src 'none'" in page
    assert "url(" not in page
    assert "@import" not in page
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    for heading in ("Quality against cost", "Pair by pair", "What the judge is worth", "By tag", "Samples"):
        assert f">{heading}</h2>" in page


@pytest.mark.parametrize("arms", [("solo",), ("auto",), ("a", "b", "c", "d", "e")])
def test_any_number_of_arms_is_sound(tmp_path: Path, arms: tuple[str, ...]) -> None:
    Reader(page_of(made_run(tmp_path, 12, arms=arms), tmp_path))


def test_a_run_without_any_score_is_sound(tmp_path: Path) -> None:
    made = made_run(tmp_path, 3, arms=("a", "b"))
    lines = [Entry(key=str(n), ask=str(n), row=f"row-{n}", tier="a", error="tier_timeout") for n in range(3)]
    made.journal.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    page = page_of(made, tmp_path)
    Reader(page)
    assert "No verdict" in page


def test_the_same_run_gives_the_same_bytes_in_any_order_of_arrival(tmp_path: Path) -> None:
    made = made_run(tmp_path, 200, n_repeats=2)
    first = page_of(made, tmp_path)
    head, *lines = made.journal.read_bytes().splitlines(keepends=True)
    random.Random(1).shuffle(lines)
    made.journal.write_bytes(head + b"".join(lines))
    assert page_of(made, tmp_path) == first


def test_texts_come_whole_and_in_order(tmp_path: Path) -> None:
    made = made_run(tmp_path, 2000, answer=lambda n, arm, repeat: f"{arm} says {n}: " + "äß漢" * 40)
    page = page_of(made, tmp_path)
    rows = list(texts(page))
    pieces = meta(page)["pieces"]
    assert isinstance(pieces, list)
    assert len(pieces) > 1
    assert sum(pieces) == len(rows) == 2000
    assert [row[0] for row in rows] == [row.id for row in made.suite.rows]
    assert rows[7][1] == made.suite.rows[7].prompt
    sizes = [len(json.dumps(rows[n], ensure_ascii=False).encode()) for n in range(2000)]
    assert sum(sizes[: pieces[0] - 1]) < PIECE_BYTES * 1.1
    answers = {cell["a"] for row in rows for cell in row[4] if cell and "a" in cell}  # type: ignore[attr-defined]
    assert "cheap says 7: " + "äß漢" * 40 in answers


def test_long_texts_are_cut_and_say_so(tmp_path: Path) -> None:
    made = made_run(tmp_path, 2, arms=("a",), answer=lambda *_: "x" * 50_000)
    cell = next(row[4][0] for row in texts(page_of(made, tmp_path)) if row[4][0]["a"])  # type: ignore[index]
    assert cell["a"].startswith("x" * 20_000 + "\n… 30,000 more characters")


def test_hostile_names_and_texts_stay_text(tmp_path: Path) -> None:
    made = made_run(tmp_path, 4, arms=(HOSTILE, "b"), answer=lambda *_: HOSTILE)
    page = page_of(made, tmp_path)
    read = Reader(page)
    assert "img" not in read.names
    assert read.handlers == []
    assert "\u202e" not in page
    assert "\x00" not in page


def test_without_the_suite_ids_and_answers_are_left(tmp_path: Path) -> None:
    made = made_run(tmp_path, 5, arms=("a",), answer=lambda n, *_: f"answer {n}")
    rows = list(texts(page_of(made, tmp_path, rows=())))
    assert [row[0] for row in rows] == [f"row-{n}" for n in range(5)]
    assert rows[3][1] == ""


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    page_of(made_run(tmp_path, 2), tmp_path)
    assert stat.S_IMODE((tmp_path / "page.html").stat().st_mode) == 0o600
    assert not list(tmp_path.glob("*.part"))


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    made = made_run(tmp_path, 2)
    report = from_journal(made.journal)
    with pytest.raises(JournalError, match="No such file"):
        write_page(tmp_path / "none/page.html", report, gate=gate(report), journal=made.journal)


def test_how_a_run_that_looked_on_the_way_was_tested_is_said(tmp_path: Path) -> None:
    made = made_run(tmp_path, 400)
    head, *lines = made.journal.read_bytes().splitlines(keepends=True)
    looking = json.loads(head) | {"n_rows": 400, "n_looks": 10}
    made.journal.write_bytes(json.dumps(looking).encode() + b"\n" + b"".join(lines))
    page = page_of(made, tmp_path)
    assert "Test at each look: exact McNemar. Group sequential" in page
    assert "of 400 planned rows" in page
    assert "Test and interval" not in page


def test_costs_say_what_they_are_of(tmp_path: Path) -> None:
    made = made_run(tmp_path, 40)
    head, *lines = made.journal.read_bytes().splitlines(keepends=True)
    entry = json.loads(lines[0]) | {"lost_nano_usd": 4300, "judge_nano_usd": 1000}
    made.journal.write_bytes(head + json.dumps(entry).encode() + b"\n" + b"".join(lines[1:]))
    page = page_of(made, tmp_path)
    for name in ("answers,<br>per 1,000", "answers, $", "failed tries,<br>at most, $", "judge, $"):
        assert name in page
    assert "$0.0000043" in page
