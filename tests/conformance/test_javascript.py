"""The official JavaScript client against the running server, where node is there."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "js"


@pytest.fixture(scope="module")
def modules() -> Path:
    """A folder in the user's cache with the pinned client installed; skips where that can't be had."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    package = (HERE / "package.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "stepwell" / f"js-{hashlib.sha256(package).hexdigest()[:12]}"
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_bytes(package)
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip("npm did not install the openai client within 120 s")
        if done.returncode:
            pytest.skip("npm can't install the openai client: the registry can't be reached")
        (folder / "installed").touch()
    return folder


def test_the_javascript_client_passes(modules: Path, base_url: str) -> None:
    command = ["node", str(HERE / "run.mjs"), base_url, str(modules)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    lines = done.stdout.splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == [], done.stdout + done.stderr
    assert done.returncode == 0
    assert len(lines) >= 14
