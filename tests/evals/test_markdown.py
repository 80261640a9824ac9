"""A report as Markdown for a pull request."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from stepwell.evals.entries import Entry, Header, Planted
from stepwell.evals.gate import gate
from stepwell.evals.held import read_held
from stepwell.evals.markdown import markdown
from stepwell.evals.report import Question, report_of
from tests.support.eval_runs import Made, made_run


def told(made: Made, **given: object) -> str:
    held = read_held(made.journal)
    report = report_of(held, suite=made.suite, question=Question("good", 0.02))
    return markdown(report, gate=gate(report), held=held, **given)  # type: ignore[arg-type]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return made_run(tmp_path, 600)


def test_the_verdict_comes_first_then_arms_and_pairs(made: Made) -> None:
    text = told(made)
    first, _, second, *_ = text.splitlines()
    assert first.startswith("### cheap is worse than good by ")
    assert second.startswith("Gate: **failed: a regression**")
    assert "| good (baseline) | 0." in text
    assert "| cheap − good | −" in text
    assert text.endswith("\n")
    assert "\n\n\n" not in text


def test_tables_have_as_many_cells_as_heads(made: Made) -> None:
    blocks = [b.splitlines() for b in told(made).split("\n\n") if b.startswith("|")]
    assert len(blocks) == 2
    for lines in blocks:
        assert len({line.count("|") for line in lines}) == 1


def test_what_failed_is_folded_worst_first_by_id_alone(made: Made) -> None:
    text = told(made, n_failures=3)
    assert text.count("<details>") == text.count("</details>") == 2
    for folded in text.split("<details>")[1:]:
        shown = [line for line in folded.splitlines() if line.startswith("- `row-")]
        assert len(shown) == 3
        assert all(line.endswith(" 0.00") for line in shown)
        assert "more" in folded
    assert "Question" not in text


def test_prompts_are_shown_when_asked_and_only_as_they_begin(made: Made) -> None:
    prompts = {row.id: row.prompt or "" for row in made.suite.rows}
    line = next(line for line in told(made, prompts=prompts).splitlines() if line.startswith("- `row-"))
    assert "Question " in line
    assert len(line) < 130


def test_answers_are_shown_when_given_and_only_as_they_begin(made: Made) -> None:
    answers = {
        (arm, row.id): f"@everyone said `{row.id}`:\n\u202e" + "long " * 100
        for arm in ("cheap", "good")
        for row in made.suite.rows
    }
    lines = [line for line in told(made, answers=answers).splitlines() if line.startswith("- `row-")]
    assert lines
    for line in lines:
        row = line.split("`")[1]
        assert f"answered `@everyone said '{row}': " in line, "in a span of code, where nobody is called"
        assert line.endswith("…`")
        assert len(line) < 150
        assert "\u202e" not in line


def test_the_same_run_in_any_order_is_the_same_text(made: Made) -> None:
    first = told(made)
    head, *lines = made.journal.read_bytes().splitlines(keepends=True)
    random.Random(2).shuffle(lines)
    made.journal.write_bytes(head + b"".join(lines))
    assert told(made) == first


def test_a_judge_that_takes_wrong_answers_is_named(made: Made) -> None:
    with open(made.journal, "ab") as file:
        for n in range(50):
            line = Planted(key=f"c{n}", case=str(n), style="vague", is_accepted=n % 20 == 0)
            file.write(msgspec.json.encode(line) + b"\n")
    assert "accepts 6.0% of" in told(made)


def test_names_can_not_break_out_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "j"
    hostile = "a|b</summary><img src=x>[x](http://e.com)`*_\n# h"
    lines: list[object] = [Header("s`|", "0" * 64, 4, (hostile, "b"))]
    for arm in (hostile, "b"):
        lines += [
            Entry(f"{arm}{n}", f"{arm}{n}", f"`{hostile}{n}", arm, score=0.0 if arm == "b" else n / 3)
            for n in range(2)
        ]
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    held = read_held(path)
    text = markdown(report_of(held), held=held)
    outside = "".join(part for n, part in enumerate(text.split("`")) if n % 2 == 0)
    assert "<img" not in outside.replace("\\<", "")
    assert "](" not in outside.replace("\\]", "")
    assert not any(line.lstrip().startswith("# ") for line in text.splitlines())
    for block in (b.splitlines() for b in text.split("\n\n") if b.startswith("|")):
        assert len({line.replace("\\|", "").count("|") for line in block}) == 1


def test_small_costs_keep_their_digits(made: Made) -> None:
    report = report_of(read_held(made.journal), suite=made.suite)
    cheap = replace(report, tiers=tuple(replace(t, cost_nano_usd=3 * t.n_ended) for t in report.tiers))
    text = markdown(cheap)
    assert "$0.0000036 in all" in text
    assert "| 0.000003 |" in text


def test_a_report_alone_is_enough(made: Made) -> None:
    report = report_of(read_held(made.journal))
    text = markdown(report)
    assert "<details>" not in text
    assert "**passed**" in text
