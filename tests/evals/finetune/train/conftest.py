"""The real base and a small one."""

from __future__ import annotations

import copy
import functools
from pathlib import Path

import pytest

from stepwell.evals.finetune.train import run
from stepwell.evals.finetune.train.load import Base, load_base
from stepwell.router.tiers import weights
from tests.evals.finetune.train.small import cut_base

MODEL = "smollm2-135m-instruct"


@pytest.fixture(scope="session")
def real_base() -> Path:
    found = weights.find(MODEL)
    if found is None:
        pytest.skip(f"the weights of {MODEL} are not here: stepwell local fetch")
    return found


@pytest.fixture(scope="session")
def base(real_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut_base(real_base, tmp_path_factory.mktemp("base") / "small.gguf")


@pytest.fixture
def loaded(base: Path) -> Base:
    """The small base in float32, to be changed at will."""
    return _copied(base, dtype="float32")


@pytest.fixture(autouse=True)
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each training gets a copy of the base: reading the same file again is most of a small training's time."""
    monkeypatch.setattr(run, "load_base", _copied)


@functools.lru_cache(maxsize=2)
def _read(path: Path, dtype: str) -> Base:
    return load_base(path, dtype=dtype)


def _copied(path: Path, *, dtype: str) -> Base:
    read = _read(path, dtype)
    return Base(copy.deepcopy(read.model), read.tokenizer, read.device, read.dtype)
