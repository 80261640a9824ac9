"""HumanEval and MBPP as their authors publish them; rows of our own writing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.readers.code import fits, lines
from stepwell.evals.scoring.code.scorer import CodeScorer
from stepwell.evals.suite import Suite, SuiteError

HUMANEVAL: dict[str, object] = {
    "task_id": "HumanEval/900",
    "prompt": 'def shout(text: str) -> str:\n    """In capitals.\n    >>> shout("a")\n    \'A!\'\n    """\n',
    "entry_point": "shout",
    "canonical_solution": "    return text.upper() + '!'\n",
    "test": "METADATA = {}\n\n\ndef check(candidate):\n"
    "    assert candidate('a') == 'A!'\n    assert candidate('') == '!'\n",
}
MBPP: dict[str, object] = {
    "task_id": 900,
    "text": "Write a function to count the leaves of a tree.",
    "code": "class Tree:\n  def __init__(self, *below):\n    self.below = below\n\ndef leaves(tree):\n"
    "  return sum(map(leaves, tree.below)) or 1",
    "test_setup_code": "oak = Tree(Tree(), Tree(Tree(), Tree()))",
    "test_list": ["assert leaves(oak) == 3", "assert leaves (Tree()) == 1"],
    "challenge_test_list": [],
}
SANITIZED: dict[str, object] = {
    "source_file": "x",
    "task_id": 901,
    "prompt": "Write a function to find the hypotenuse.",
    "code": "import math\ndef hypotenuse(a, b):\n  return math.hypot(a, b)",
    "test_imports": ["import math"],
    "test_list": ["assert math.isclose(hypotenuse(3, 4), 5)"],
}
ROWS: list[dict[str, object]] = [HUMANEVAL, MBPP, SANITIZED]


def _solution(row: dict[str, object]) -> str:
    return str(row.get("code") or f"{row['prompt']}{row['canonical_solution']}")


@pytest.mark.parametrize("row", ROWS, ids=lambda r: str(r["task_id"]))
async def test_the_reference_scores_1_and_its_absence_0(row: dict[str, object]) -> None:
    suite = Suite.of_lines(enumerate(lines([row]), start=1), name="code")
    scorer = CodeScorer(concurrency=1)
    right = await scorer.score(suite.rows[0], [f"Of course:\n\n```python\n{_solution(row)}\n```\n\nDone."])
    wrong = await scorer.score(suite.rows[0], ["```python\ndef other():\n    pass\n```"])
    await scorer.close()
    assert (right.score, wrong.score) == (1.0, 0.0)


def test_prompts_show_task_and_tests_and_no_solution() -> None:
    shout, tree, hypotenuse = (str(line["prompt"]) for line in lines(ROWS))
    assert "In capitals." in shout
    assert "upper" not in shout
    assert "leaves of a tree" in tree
    assert "leaves(oak) == 3" in tree
    assert "below" not in tree + hypotenuse


def test_ids_and_names() -> None:
    found = list(lines([*ROWS, {k: v for k, v in MBPP.items() if k != "task_id"}]))
    assert [line["id"] for line in found] == ["HumanEval/900", "mbpp-900", "mbpp-901", "mbpp-4"]
    scorers = [line["scorer"] for line in found]
    assert [s["entry_point"] for s in scorers if isinstance(s, dict)][:2] == ["shout", ["Tree", "leaves"]]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({**HUMANEVAL, "test": None}, "test"),
        ({**HUMANEVAL, "entry_point": ""}, "entry_point"),
        ({**MBPP, "test_list": []}, "test_list"),
        ({**MBPP, "test_list": "assert"}, "test_list"),
        ({**MBPP, "code": "x = 1"}, "test_list"),
        ({**SANITIZED, "test_imports": "import math"}, "test_imports"),
    ],
)
def test_what_is_wrong_is_named(row: dict[str, object], field: str) -> None:
    with pytest.raises(SuiteError) as caught:
        list(lines([row]))
    assert caught.value.field == field


def test_suites_load_from_their_own_files(tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl"
    for rows in ([HUMANEVAL], [MBPP], [SANITIZED]):
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        assert [row.scorer for row in Suite.load(path).rows] == ["code"]


@given(
    st.dictionaries(
        st.sampled_from(
            ["task_id", "prompt", "text", "code", "test", "test_list", "entry_point", "test_imports"]
        ),
        st.none() | st.text(max_size=9) | st.lists(st.text(max_size=9), max_size=2) | st.integers(),
    )
)
def test_any_row_reads_or_is_named_wrong(row: dict[str, object]) -> None:
    assert fits(row) in (True, False)
    try:
        ((line,), field) = lines([row]), None
    except SuiteError as e:
        line, field = {"id": None}, e.field
    assert line["id"] or field in {
        "prompt",
        "text",
        "code",
        "test",
        "test_list",
        "test_imports",
        "entry_point",
    }
