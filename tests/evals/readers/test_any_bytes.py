"""Whatever bytes a file holds: a suite, or an error of ours."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.evals.readers.formats import FORMATS
from stepwell.evals.suite import Suite, SuiteError

FIELDS = [
    "id",
    "question",
    "answer",
    "input",
    "target",
    "task",
    "choices",
    "options",
    "ideal",
    "turns",
    "prompt",
]
FIELDS += [
    "question_id",
    "reference",
    "answerKey",
    "label",
    "text",
    "stem",
    "A",
    "B",
    "examples",
    "rows",
    "subject",
]
TASKS = ["navigate", "word_sorting", "hyperbaton"]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["B", "#### 4", *TASKS]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=12,
)
ROWS = st.lists(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6), max_size=3)
OURS = [f for f, known in FORMATS.items() if known.module not in ("ifeval", "code")]


def loads_or_says_so(name: str, data: bytes, format: str | None, fields: dict[str, str] | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        with suppress(SuiteError):
            suite = Suite.load(path, format=format, fields=fields)
            again = Suite.parse((line.decode() for line in suite.lines()), name="again")
            assert (again.sha256, Suite.load(path, format=format, fields=fields).sha256) == (
                suite.sha256,
            ) * 2


@settings(max_examples=150)
@given(
    data=st.binary(max_size=60) | st.text(max_size=60).map(str.encode),
    ending=st.sampled_from([".jsonl", ".jsonl.gz", ".json", ".csv", ".tsv", ".yaml", ".yml", ""]),
    packed=st.booleans(),
)
def test_bytes(data: bytes, ending: str, packed: bool) -> None:
    loads_or_says_so(f"s{ending}", (b"\x1f\x8b" if packed else b"") + data, None, None)


@settings(max_examples=150)
@given(rows=ROWS, format=st.none() | st.sampled_from(OURS), as_list=st.booleans())
def test_rows(rows: list[dict[str, object]], format: str | None, as_list: bool) -> None:
    text = json.dumps(rows) if as_list else "\n".join(map(json.dumps, rows))
    loads_or_says_so("s.json" if as_list else "s.jsonl", text.encode(), format, None)


@settings(max_examples=60)
@given(rows=ROWS, theirs=st.sampled_from([*FIELDS, "turns.0", "choices.text.1", "question.stem", "="]))
def test_mappings(rows: list[dict[str, object]], theirs: str) -> None:
    fields = {"prompt": "question", "target": theirs, "tags": "subject"}
    loads_or_says_so("s.json", json.dumps(rows).encode(), None, fields)


@pytest.mark.parametrize("format", OURS)
def test_an_empty_row_is_an_error_of_ours(tmp_path: Path, format: str) -> None:
    (tmp_path / "s.jsonl").write_text("{}")
    with pytest.raises(SuiteError, match="line 1"):
        Suite.load(tmp_path / "s.jsonl", format=format)
