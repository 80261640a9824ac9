"""`stepwell local list` shows what was promoted, what serves, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from stepwell.front.cli.main import main
from stepwell.router.tiers.adapters import ALIASES, Aliases, adapters_folder
from stepwell.router.tiers.bundle import TAINTED
from tests.support.fine_tuned import head_bundle, promoted


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path / "home"))
    return tmp_path


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str]]:
    assert main(["local", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    return {row["version"]: row for row in rows if "version" in row}


def test_versions_and_what_serves(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys) == {}
    old = promoted(
        head_bundle(home / "a", ("x", "y"), ("1", "2"), exact={"base": 0.1, "adapter": 0.9}), "mails"
    )
    new = promoted(head_bundle(home / "b", ("x", "y"), ("3", "4")), "mails")
    aliases = Aliases(new.card.version, (old.card.version,))
    (adapters_folder() / "mails" / ALIASES).write_bytes(msgspec.json.encode(aliases))
    found = listed(capsys)
    assert {v: row["serves"] for v, row in found.items()} == {
        new.card.version: "champion",
        old.card.version: "rollback",
    }
    row = found[old.card.version]
    assert (row["name"], row["state"], row["kind"], row["base"]) == ("mails", "ok", "head", "tfidf")
    assert row["held out, exact"] == "base 0.100, adapter 0.900"


def test_erased_and_broken_ones_are_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = promoted(head_bundle(home / "a", ("x",), ("1",)), "mails")
    (made.folder / TAINTED).write_text("{}")
    assert listed(capsys)[made.card.version]["state"] == "tainted: train again"
    made.file.write_bytes(b"cut")
    assert listed(capsys)[made.card.version]["state"] == "broken"
    assert main(["local", "list"]) == 0
    assert "broken" in capsys.readouterr().out
