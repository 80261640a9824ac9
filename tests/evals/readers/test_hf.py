"""Hugging Face datasets on disk, as `datasets` and hubs leave them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepwell.evals.readers import read_lines
from stepwell.evals.readers.hf import N_ROWS_AT_ONCE
from stepwell.evals.suite import Suite, SuiteError

pa: Any = pytest.importorskip("pyarrow")
pq: Any = pytest.importorskip("pyarrow.parquet")

ROWS = [
    {"question": f"What is {n} + 1?", "choices": [str(n), str(n + 1)], "answer": 1}
    for n in range(3 * N_ROWS_AT_ONCE)
]
FIELDS = {"prompt": "question", "target": "choices.1", "scorer": "=numeric"}


def table(names: list[str] | None = None) -> Any:
    made = pa.Table.from_pylist(ROWS)
    if names is None:
        return made
    features = {
        "answer": {"names": names, "_type": "ClassLabel"},
        "question": {"dtype": "string", "_type": "Value"},
    }
    return made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def save_to_disk(folder: Path, data: Any) -> Path:
    """As datasets.save_to_disk does: streams of Arrow, and its own state beside them."""
    folder.mkdir(parents=True)
    for n, part in enumerate((data.slice(0, 300), data.slice(300))):
        with pa.OSFile(str(folder / f"data-0000{n}-of-00002.arrow"), "wb") as file:
            with pa.ipc.new_stream(file, data.schema) as stream:
                stream.write_table(part)
    (folder / "state.json").write_text("{}")
    (folder / "dataset_info.json").write_text("{}")
    return folder


def test_a_saved_dataset_is_a_suite_by_its_fields(tmp_path: Path) -> None:
    suite = Suite.load(save_to_disk(tmp_path / "set", table()), fields=FIELDS)
    assert len(suite.rows) == len(ROWS)
    assert (suite.rows[-1].prompt, suite.rows[-1].targets) == (ROWS[-1]["question"], (str(len(ROWS)),))


def test_parquet_arrow_and_json_lines_give_the_same_suite(tmp_path: Path) -> None:
    pq.write_table(table(), tmp_path / "rows.parquet")
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    paths = [tmp_path / "rows.parquet", tmp_path / "rows.jsonl", save_to_disk(tmp_path / "set", table())]
    assert len({Suite.load(path, fields=FIELDS).sha256 for path in paths}) == 1


def test_a_known_format_needs_no_mapping_and_labels_have_names(tmp_path: Path) -> None:
    rows = Suite.load(save_to_disk(tmp_path / "set", table(["A", "B"]))).rows
    assert {(r.scorer, r.targets) for r in rows} == {("choice", ("B",))}
    assert Suite.load(tmp_path / "set", fields={**FIELDS, "target": "answer", "scorer": "=exact"}).rows[
        0
    ].targets == ("B",)


def test_a_folder_of_parquet_parts_is_one_suite(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for n in range(2):
        pq.write_table(table().slice(n * 10, 10), tmp_path / "data" / f"test-0000{n}-of-00002.parquet")
    assert len(Suite.load(tmp_path, fields=FIELDS).rows) == 20


def test_one_split_has_to_be_chosen(tmp_path: Path) -> None:
    for split in ("test", "train"):
        save_to_disk(tmp_path / "set" / split, table())
        pq.write_table(table(), tmp_path / f"{split}-00000-of-00001.parquet")
    (tmp_path / "set" / "dataset_dict.json").write_text('{"splits": ["test", "train"]}')
    for folder in (tmp_path, tmp_path / "set"):
        with pytest.raises(SuiteError, match="test, train"):
            Suite.load(folder, fields=FIELDS)
    assert len(Suite.load(tmp_path / "set" / "test", fields=FIELDS).rows) == len(ROWS)


def test_rows_come_a_part_at_a_time(tmp_path: Path) -> None:
    lines = read_lines(save_to_disk(tmp_path / "set", table()), fields=FIELDS)
    assert lines is not None
    before = pa.total_allocated_bytes()
    assert next(lines)[0] == 1
    assert pa.total_allocated_bytes() - before < 1_000_000


@pytest.mark.parametrize("name", ["x.parquet", "x.arrow"])
def test_a_damaged_file_is_an_error_of_ours(tmp_path: Path, name: str) -> None:
    for data in (b"", b"PAR1 never shown PAR1", b"\xff" * 64):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(SuiteError, match="can't be read") as caught:
            Suite.load(tmp_path / name, fields=FIELDS)
        assert "never shown" not in str(caught.value)


def test_what_json_does_not_know_is_named_by_its_field(tmp_path: Path) -> None:
    pq.write_table(pa.table({"q": ["hi"], "picture": [b"\x89PNG"]}), tmp_path / "x.parquet")
    with pytest.raises(SuiteError) as caught:
        Suite.load(tmp_path / "x.parquet", fields={"prompt": "q", "target": "picture"})
    assert (caught.value.line, caught.value.field) == (1, "picture")
