"""Suites: what is read, and how a wrong row is named."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from stepwell.evals.suite import Suite, SuiteError

GOOD = (
    '{"id": "a", "prompt": "say hi", "target": ["hi", "Hello"], "tags": ["x"], "params": {"max_tokens": 4}}'
)
SECRET = "never shown"


def test_a_packed_suite_is_the_same_suite(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text(GOOD + "\n\n")
    (tmp_path / "s.jsonl.gz").write_bytes(gzip.compress(GOOD.encode()))
    plain, packed = Suite.load(tmp_path / "s.jsonl"), Suite.load(tmp_path / "s.jsonl.gz")
    assert plain == packed
    row = plain.rows[0]
    assert (row.prompt, row.targets, row.scorer, row.params) == (
        "say hi",
        ("hi", "Hello"),
        "normalised",
        {"max_tokens": 4},
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("say hi", "say ho"),
        ('"hi"', '"ho"'),
        ('"a"', '"b"'),
        (": 4", ": 5"),
        ('"tags"', '"scorer": "exact", "tags"'),
    ],
)
def test_the_hash_names_what_decides_the_score(old: str, new: str) -> None:
    one, other = Suite.parse([GOOD], name="s"), Suite.parse([GOOD.replace(old, new)], name="s")
    assert one.sha256 != other.sha256


def test_the_hash_does_not_depend_on_how_json_is_written() -> None:
    other = '{"target":["hi","Hello"],"params":{"max_tokens":4},"prompt":"say hi","id":"a"}'
    assert Suite.parse([GOOD], name="s").sha256 == Suite.parse([other], name="t").sha256


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (f'{{"id": "b", "prompt": "{SECRET}"}}', "target"),
        (f'{{"id": "b", "prompt": 5, "target": "{SECRET}"}}', "prompt"),
        (f'{{"id": "b", "target": "{SECRET}"}}', "prompt"),
        (f'{{"id": "b", "prompt": "{SECRET}", "messages": [{{"role": "user"}}], "target": "x"}}', "prompt"),
        (f'{{"id": "b", "messages": [{{"content": "{SECRET}"}}], "target": "x"}}', "messages[0]"),
        (f'{{"id": "b", "prompt": "x", "target": "{SECRET}", "scorer": "numeric"}}', "target"),
        (f'{{"id": "b", "prompt": "{SECRET}", "target": "x", "scorer": "{SECRET}"}}', "scorer"),
        (f'{{"id": "b", "prompt": "{SECRET}", "target": "x", "params": {{"model": "y"}}}}', "params"),
        (f'{{"id": "b", "prompt": "{SECRET}", "target": []}}', "target"),
        (f'{{"id": "a", "prompt": "{SECRET}", "target": "x"}}', "id"),
        (f'{{"id": "b", "prompt": "{SECRET}", "target": "x", "scorrer": "exact"}}', None),
        (f'{{"id": "b", "{SECRET}', None),
        ("[" * 5000, None),
    ],
)
def test_a_wrong_row_is_named_by_line_and_field(line: str, field: str | None) -> None:
    with pytest.raises(SuiteError, match="line 3") as caught:
        Suite.parse([GOOD, "", line], name="s")
    assert (caught.value.line, caught.value.field) == (3, field)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", gzip.compress(GOOD.encode())[:-9], None])
def test_a_wrong_file_is_an_error_of_ours(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "s.jsonl"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(SuiteError):
        Suite.load(path)


def test_the_suite_that_ships_is_balanced() -> None:
    suite = Suite.load("first")
    kinds = Counter(row.tags[0] for row in suite.rows)
    assert len(suite.rows) >= 24
    assert set(kinds) == {"sentiment", "rewrite", "extraction", "arithmetic", "facts", "code", "reasoning"}
    assert max(kinds.values()) - min(kinds.values()) <= 1


def test_rows_without_an_id_are_named_by_what_they_ask() -> None:
    one, two = '{"prompt":"a","target":"b"}', '{"prompt":"c","target":"d"}'
    first, other = Suite.parse([one, two], name="s"), Suite.parse([two, one], name="s")
    assert {r.id for r in first.rows} == {r.id for r in other.rows}
    assert [r.prompt for r in first.rows] == ["a", "c"]
    with pytest.raises(SuiteError, match="line 3: this id, or this row without one"):
        Suite.parse([one, two, one], name="s")
