"""An adapter stands on the weights it was trained on, and on no others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stepwell.base.errors import ConfigError
from stepwell.router.tiers import weights
from stepwell.router.tiers.bundle import Bundle, file_sha256
from stepwell.router.tiers.local_base import base_of, sha256_of
from tests.support.fine_tuned import with_card

GGUF = b"GGUF of a test"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path / "home"))
    weights.folder().mkdir(parents=True)
    return weights.folder()


def bundle(tmp_path: Path, **card: object) -> Bundle:
    folder = tmp_path / "bundle"
    folder.mkdir(exist_ok=True)
    (folder / "adapter.gguf").write_bytes(b"GGUF adapter")
    return with_card(folder, "adapter", **card)


def test_it_is_found_by_name_by_file_and_by_the_configuration(tmp_path: Path, home: Path) -> None:
    mine = home / "mine.gguf"
    mine.write_bytes(GGUF)
    sha256 = file_sha256(mine)
    for base in ("mine", "mine.gguf", str(mine)):
        assert base_of(bundle(tmp_path, base=base, base_sha256=sha256)) == mine
    elsewhere = tmp_path / "elsewhere.gguf"
    elsewhere.write_bytes(GGUF)
    assert base_of(bundle(tmp_path, base="gone", base_sha256=sha256), str(elsewhere)) == elsewhere
    beside = tmp_path / "bundle" / "own.gguf"
    beside.write_bytes(GGUF)
    assert base_of(bundle(tmp_path, base="own.gguf", base_sha256=sha256)) == beside
    assert base_of(bundle(tmp_path, base="gone", base_sha256=sha256)) is None


@pytest.mark.parametrize("sha256", ["", "0" * 64])
def test_other_weights_are_refused(tmp_path: Path, home: Path, sha256: str) -> None:
    (home / "mine.gguf").write_bytes(GGUF)
    with pytest.raises(ConfigError, match="name the right file as the deployment's `base`"):
        base_of(bundle(tmp_path, base="mine", base_sha256=sha256))


def test_a_file_that_changes_is_read_again(home: Path) -> None:
    path = home / "mine.gguf"
    path.write_bytes(GGUF)
    first = sha256_of(path)
    path.write_bytes(GGUF + b" and more")
    assert sha256_of(path) != first


def test_a_known_name_with_another_file_behind_it_is_told(home: Path) -> None:
    model = next(iter(weights.KNOWN.values()))
    path = home / f"{model.name}.gguf"
    path.write_bytes(GGUF)
    assert sha256_of(path) == file_sha256(path)
    with path.open("wb") as file:  # of the size that is known
        file.truncate(model.n_bytes)
    assert sha256_of(path) == file_sha256(path) != model.sha256


def test_a_file_of_the_same_size_and_time_put_in_its_place_is_read_again(home: Path) -> None:
    path, fresh = home / "mine.gguf", home / "fresh"
    path.write_bytes(GGUF)
    first, then = sha256_of(path), path.stat().st_mtime_ns
    fresh.write_bytes(GGUF[::-1])
    os.utime(fresh, ns=(then, then))
    fresh.replace(path)
    assert sha256_of(path) != first
