"""Weights are found by name or by path, and nothing that isn't a GGUF passes for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.base.errors import ConfigError
from stepwell.router.tiers import weights


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path))
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


def test_a_name_is_looked_up_in_the_weights_folder(home: Path) -> None:
    assert weights.find("smollm2-135m-instruct") is None
    (home / "smollm2-135m-instruct.gguf").write_bytes(b"GGUF\x03")
    assert weights.find("smollm2-135m-instruct") == home / "smollm2-135m-instruct.gguf"


def test_a_path_is_taken_as_it_is(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "any name.bin"
    path.write_bytes(b"GGUF\x03")
    assert weights.find(str(path)) == path
    assert weights.find(str(tmp_path / "missing.gguf")) is None


@pytest.mark.parametrize("content", [b"", b"GGU", b"PK\x03\x04", b"<html>"])
def test_what_is_no_gguf_is_not_found(home: Path, content: bytes) -> None:
    (home / "x.gguf").write_bytes(content)
    assert weights.find("x") is None
    assert weights.found() == []


def test_a_folder_is_no_gguf(home: Path) -> None:
    assert weights.find(str(home)) is None


def test_a_name_does_not_leave_the_folder(home: Path) -> None:
    (home.parent / "outside.gguf").write_bytes(b"GGUF\x03")
    assert weights.find("../outside") is None


def test_the_folder_follows_the_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STEPWELL_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert weights.folder() == tmp_path / "stepwell" / "weights"


def test_an_unknown_model_names_the_known() -> None:
    assert weights.known("smollm2-135m-instruct").licence == "Apache-2.0"
    with pytest.raises(ConfigError, match="known: smollm2-135m-instruct"):
        weights.known("gpt-5")
