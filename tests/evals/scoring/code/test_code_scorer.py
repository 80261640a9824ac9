"""The scorer `code`, from a suite's line to a score."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.evals.scoring.code import sandbox as module
from stepwell.evals.scoring.code.ended import SandboxFailed, SandboxUnavailable
from stepwell.evals.scoring.code.scorer import CodeScorer
from stepwell.evals.suite import Suite, SuiteError, canonical_json

LINE = {
    "id": 1,
    "prompt": "Write double(x).",
    "scorer": {"name": "code", "entry_point": "double", "test_list": ["assert double(2) == 4"]},
}


def _suite(line: dict[str, object]) -> Suite:
    return Suite.parse([canonical_json(line).decode()], name="code")


async def test_answers_score_by_their_tests() -> None:
    row = _suite(LINE).rows[0]
    scorer = CodeScorer(concurrency=1)
    try:
        right = await scorer.score(row, ["```python\ndef double(x):\n    return 2 * x\n```"])
        wrong = await scorer.score(
            row, ["def double(x):\n    return 2 * x\n", "def double(x):\n    return x\n"]
        )
        absent = await scorer.score(row, [""])
    finally:
        await scorer.close()
    assert (right.score, right.why) == (1.0, "passed")
    assert (wrong.score, wrong.why) == (0.0, "failed")
    assert (absent.score, absent.why) == (0.0, "missing")


async def test_rows_set_their_own_limits() -> None:
    row = _suite({**LINE, "scorer": {"name": "code", "test": "assert nap() is None", "timeout_s": 0.2}}).rows[
        0
    ]
    scorer = CodeScorer(concurrency=1)
    scored = await scorer.score(row, ["import time\ndef nap():\n    time.sleep(60)\n"])
    await scorer.close()
    assert (scored.score, scored.why) == (0.0, "timeout")


@pytest.mark.parametrize(
    "tests",
    [
        {"test": "class Own: pass\nassert double(Own())"},
        {"test": "assert double(1"},
        {"test": "import no_such_module\nassert double(1) == 2"},
        {"test": "assert double(1) == 2", "test_imports": ["import no_such_module"]},
    ],
)
async def test_tests_that_cannot_be_run_are_no_score(tests: dict[str, object]) -> None:
    row = _suite({**LINE, "scorer": {"name": "code", **tests}}).rows[0]
    scorer = CodeScorer(concurrency=1)
    scored = await scorer.score(row, ["def double(x):\n    return x"])
    await scorer.close()
    assert (scored.score, scored.error) == (None, "tests_unsupported")


@pytest.mark.parametrize("place", ["", "    "])
async def test_a_module_that_only_the_program_wants_is_its_own_fault(place: str) -> None:
    scorer = CodeScorer(concurrency=1)
    answer = f"def double(x):\n    pass\n{place}import no_such_module"
    scored = await scorer.score(_suite(LINE).rows[0], [answer])
    await scorer.close()
    assert (scored.score, scored.why) == (0.0, "failed")


async def test_classes_of_the_prompt_are_shared() -> None:
    prompt = "class Node:\n    def __init__(self, value, after=None):\n        self.after = after\n\n"
    prompt += 'def length(node):\n    """How many follow, itself counted."""\n'
    test = "assert length(Node(1, Node(2))) == 2 and length(None) == 0"
    scorer_options = {"name": "code", "prompt": prompt, "entry_point": "length", "test": test}
    row = _suite({**LINE, "scorer": scorer_options}).rows[0]
    scorer = CodeScorer(concurrency=1)
    right = await scorer.score(row, ["    return 0 if node is None else 1 + length(node.after)"])
    wrong = await scorer.score(row, ["    return 2"])
    await scorer.close()
    assert (right.score, wrong.score) == (1.0, 0.0)


def test_a_row_without_tests_is_no_row() -> None:
    with pytest.raises(SuiteError, match="give the tests"):
        _suite({**LINE, "scorer": {"name": "code", "entry_point": "double"}})


async def test_a_sandbox_that_breaks_is_no_score(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "_START", "raise SystemExit(3)")
    scorer = CodeScorer(concurrency=1)
    with pytest.raises(SandboxFailed):
        await scorer.score(_suite(LINE).rows[0], ["x = 1"])
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(SandboxFailed, match="No such file"):
        await scorer.score(_suite(LINE).rows[0], ["x = 1"])
    await scorer.close()


def test_other_systems_are_told_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(SandboxUnavailable, match="win32"):
        CodeScorer()
