"""IFEval's rows as a suite."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepwell.evals.readers.ifeval import fits, lines
from stepwell.evals.suite import Suite, SuiteError

ROW: dict[str, object] = {
    "key": 1000,
    "prompt": "Write two words and no comma.",
    "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
    "kwargs": [{"num_words": None}, {"num_words": 2, "relation": "at least", "num_bullets": None}],
}


def test_a_row_becomes_a_line() -> None:
    assert fits(ROW)
    assert not fits({"prompt": "x", "target": "y"})
    (line,) = lines([ROW])
    assert line["id"] == "ifeval-1000"
    assert line["tags"] == ["punctuation:no_comma", "length_constraints:number_words"]
    assert line["target"] == {
        "instruction_id_list": ROW["instruction_id_list"],
        "kwargs": [{}, {"num_words": 2, "relation": "at least"}],
        "prompt": ROW["prompt"],
    }


def test_a_file_of_rows_is_a_suite(tmp_path: Path) -> None:
    file = tmp_path / "ifeval.jsonl"
    file.write_text("\n".join(json.dumps({**ROW, "key": key}) for key in (1, 2)))
    suite = Suite.load(file)
    assert [row.id for row in suite.rows] == ["ifeval-1", "ifeval-2"]
    assert {row.scorer for row in suite.rows} == {"ifeval"}


@pytest.mark.parametrize(
    "wrong", [{"prompt": ""}, {"instruction_id_list": []}, {"kwargs": [1]}, {"kwargs": None}]
)
def test_wrong_rows_are_named(wrong: dict[str, object]) -> None:
    with pytest.raises(SuiteError) as caught:
        list(lines([ROW | wrong]))
    assert caught.value.field in wrong
