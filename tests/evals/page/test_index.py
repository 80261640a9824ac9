"""The index of a journal: every sample's last line, whatever order the lines came in."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from stepwell.evals.entries import Entry, Header, JournalError
from stepwell.evals.page.index import MISSING, SCORED, index_of
from stepwell.evals.report import from_journal
from stepwell.evals.suite import Row, Suite
from tests.support.eval_runs import made_run


def write(path: Path, *lines: Header | Entry) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return path


def entry(row: str, tier: str, key: str, **more: object) -> Entry:
    return Entry(key=key, ask=key, row=row, tier=tier, **more)  # type: ignore[arg-type]


def rows_of(*ids: str) -> Sequence[Row]:
    return Suite.parse((f'{{"id": "{i}", "prompt": "p", "target": "t"}}' for i in ids), name="s").rows


def test_says_what_the_report_says(tmp_path: Path) -> None:
    made = made_run(tmp_path, 300, arms=("cheap", "good", "auto"), n_repeats=2)
    index, report = index_of(made.journal, made.suite.rows), from_journal(made.journal)
    assert index.arms == ("cheap", "good", "auto")
    assert index.n_repeats == 2
    for n, tier in enumerate(report.tiers):
        scores = [s for s in index.scores(tier.tier) if not math.isnan(s)]
        places = [index.place(row, n, repeat) for row in range(300) for repeat in range(2)]
        assert math.fsum(scores) / len(scores) == pytest.approx(tier.quality)
        assert sum(index.nano_usd[at] for at in places) == tier.cost_nano_usd
        assert sum(index.state[at] == SCORED for at in places) == tier.n_scored


def test_order_of_arrival_does_not_matter(tmp_path: Path) -> None:
    made = made_run(tmp_path, 50, arms=("a", "b"))
    head, *lines = made.journal.read_bytes().splitlines(keepends=True)
    first = index_of(made.journal, made.suite.rows)
    random.Random(1).shuffle(lines)
    made.journal.write_bytes(head + b"".join(lines))
    again = index_of(made.journal, made.suite.rows)
    assert (first.ids, first.arms, first.errors) == (again.ids, again.arms, again.errors)
    for name in ("state", "score", "nano_usd", "ms"):
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes()


def test_a_sample_asked_again_keeps_what_it_cost_before(tmp_path: Path) -> None:
    path = write(
        tmp_path / "j",
        Header("s", "0" * 64, 1, ("t",)),
        entry("r", "t", "ab" * 32, error="tier_timeout", nano_usd=7, judge_nano_usd=1),
        entry("r", "t", "ab" * 32, score=1.0, nano_usd=5, lost_nano_usd=2),
    )
    index, (tier,) = index_of(path, rows_of("r")), from_journal(path).tiers
    assert (list(index.nano_usd), list(index.lost_nano_usd), list(index.judge_nano_usd)) == ([12], [9], [1])
    assert (tier.cost_nano_usd, tier.lost_nano_usd, tier.judge_nano_usd) == (12, 9, 1)


def test_rows_arms_and_repeats_that_nobody_announced_are_there(tmp_path: Path) -> None:
    path = write(
        tmp_path / "j",
        entry("zeta", "late", "1", score=1.0),
        entry("alpha", "early", "2", score=0.0, repeat=2),
        entry("known", "early", "3", score=0.5),
    )
    index = index_of(path, rows_of("known"))
    assert index.ids == ["known", "alpha", "zeta"]
    assert index.arms == ("early", "late")
    assert (len(index.state), index.n_repeats) == (3 * 2 * 3, 3)
    assert [n for n, state in enumerate(index.state) if state != MISSING] == [
        index.place(0, 0),
        index.place(1, 0, 2),
        index.place(2, 1),
    ]
    assert [index.score[index.place(row, arm, k)] for row, arm, k in ((0, 0, 0), (1, 0, 2), (2, 1, 0))] == [
        0.5,
        0.0,
        1.0,
    ]
    assert index.tags == [(), (), ()]


def test_errors_are_named_in_one_order(tmp_path: Path) -> None:
    path = write(
        tmp_path / "j",
        entry("r", "b", "1", error="zz"),
        entry("r", "a", "2", error="aa"),
    )
    index = index_of(path, rows_of("r"))
    assert index.errors == ("aa", "zz")
    assert list(index.state) == [2, 3]


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(b'{"t":"s"\n')
    with pytest.raises(JournalError, match="line 1"):
        index_of(path, ())
    with pytest.raises(JournalError):
        index_of(tmp_path / "none", ())
