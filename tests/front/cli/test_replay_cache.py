"""`stepwell replay cache` and `stepwell eval cache` on files that are not as they should be."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stepwell.front.cli.main import main

Capture = pytest.CaptureFixture[str]
STREAM = ["replay", "cache", "rows.jsonl", "--judge", "cls", "--out", "out.jsonl"]


class Letters:
    """A vector of the counts of letters."""

    name = "letters"
    dim = 26

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        found = np.array([[1 + t.lower().count(chr(97 + i)) for i in range(26)] for t in texts], np.float32)
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return found


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("stepwell.base.embedding.load_embedder", lambda _: Letters())
    return tmp_path


def write(*rows: object) -> None:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    Path("rows.jsonl").write_text("\n".join(lines) + "\n")


def told() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]


def test_bad_rows_of_a_stream_are_named_and_the_rest_goes_on(capsys: Capture) -> None:
    good = [{"query": f"where is the {name} kept", "cls": name} for name in ("key", "map", "key")]
    pair = {"cached_query": "a secret", "query": "b", "same": 1}
    write(good[0], "{no json", good[1], {"query": "a secret"}, "", pair, good[2])
    assert main(STREAM) == 1
    rows = told()
    assert [r["line"] for r in rows if "error" in r] == [2, 4, 6]
    assert [r["n"] for r in rows if "error" not in r] == [1, 2, 3]
    said = capsys.readouterr()
    assert "3 arrivals" in said.err
    assert "secret" not in said.err + Path("out.jsonl").read_text()


def test_bad_pairs_of_a_stream_are_named_too() -> None:
    pair = {"cached_query": "how old is the well", "query": "what is the well's age", "same": 1}
    write(pair, {**pair, "same": 2}, {"query": "x", "cls": "a"})
    assert main(STREAM) == 1
    assert [r["line"] for r in told() if "error" in r] == [2, 3]


def test_a_file_without_rows_is_2(capsys: Capture) -> None:
    write("", "")
    for line in (STREAM, ["eval", "cache", "rows.jsonl"]):
        assert main(line) == 2
        assert "rows.jsonl: no rows" in capsys.readouterr().err


def test_a_broken_gz_is_named(here: Path, capsys: Capture) -> None:
    packed = gzip.compress(b'{"query": "a", "cls": "b"}\n' * 1000)
    (here / "rows.gz").write_bytes(packed[:-20])
    for line in (["replay", "cache", "rows.gz", "--judge", "cls"], ["eval", "cache", "rows.gz"]):
        assert main(line) == 2
        assert "rows.gz: damaged" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--max-error", "--judge-error"])
@pytest.mark.parametrize("share", ["0.5", "-0.1", "nan", "inf"])
def test_a_share_out_of_range_is_2(option: str, share: str, capsys: Capture) -> None:
    write({"query": "a", "cls": "b"})
    for line in (STREAM, ["eval", "cache", "rows.jsonl"]):
        assert main([*line, f"{option}={share}"]) == 2
        assert option in capsys.readouterr().err


def test_what_too_few_rows_leave_unknown_is_a_dash(capsys: Capture) -> None:
    write({"cached_query": "how old is the well", "query": "what is the well's age", "same": 1})
    assert main(["eval", "cache", "rows.jsonl"]) == 0
    said = capsys.readouterr().out
    assert "nan" not in said
    assert " - " in said
