"""A tuned policy that logs can be tried on."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.base.config import Config
from stepwell.evals.traffic.redecide import NewPolicy, learned_policy
from stepwell.front.cli.main import main
from tests.support.outcome_rows import made, write
from tests.support.traffic import PRICES


@pytest.fixture(scope="session")
def policy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tuned on 240 rows: easy asks go to the weak tier, hard ones to the strong."""
    folder = tmp_path_factory.mktemp("traffic")
    rows = write(folder / "rows.jsonl", made(240))
    line = ["tune", rows, "--tiers", "weak,strong", "--no-embedding", "--prices", PRICES]
    assert main([*line, "--out", str(folder / "policy")]) == 0
    return folder / "policy"


@pytest.fixture(scope="session")
def policy(policy_folder: Path) -> NewPolicy:
    return learned_policy(str(policy_folder), Config(), embedder="")
