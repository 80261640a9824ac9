"""The file of thresholds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepwell.base.errors import ConfigError
from stepwell.guards.calibrate.cut import NEVER
from stepwell.guards.calibrate.fingerprint import fingerprint
from stepwell.guards.calibrate.thresholds import Thresholds, TunedCheck, TunedCut


def tuned(check: str, *pairs: tuple[float, float]) -> Thresholds:
    cuts = tuple(TunedCut(t, b, 0.95, "rows") for b, t in pairs)
    return Thresholds({check: TunedCheck(cuts, 400, fingerprint(check))})


def test_comes_back_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "guard-thresholds.json"
    made = tuned("harmful", (0.01, 0.7512345678901234), (0.05, 0.4))
    made.save(file)
    assert Thresholds.load(file).checks == made.checks
    assert Thresholds.load(file).false_blocks is None
    Thresholds(made.checks, 0.05).save(file)
    assert Thresholds.load(file).false_blocks == 0.05
    assert file.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == [file.name]


def test_another_budget_takes_the_next_stricter_one() -> None:
    made = tuned("harmful", (0.01, 0.75), (0.05, 0.4))
    assert made.threshold("harmful", 0.01) == 0.75
    assert made.threshold("harmful", 0.04) == 0.75
    assert made.threshold("harmful", 0.3) == 0.4
    assert made.threshold("harmful", 0.005) == pytest.approx(0.875)
    assert made.threshold("toxicity", 0.01) is None


def test_never_stays_never() -> None:
    assert tuned("harmful", (0.01, NEVER)).threshold("harmful", 0.001) == NEVER


def test_a_plugged_in_check_has_no_weights_to_compare(tmp_path: Path) -> None:
    tuned("ours:check", (0.01, 0.5)).save(tmp_path / "f.json")
    assert Thresholds.load(tmp_path / "f.json").threshold("ours:check", 0.01) == 0.5


def test_other_weights_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "f.json"
    tuned("harmful", (0.01, 0.7)).save(file)
    raw = json.loads(file.read_text())
    raw["checks"]["harmful"]["fingerprint"] = "0" * 16
    file.write_text(json.dumps(raw))
    with pytest.raises(ConfigError, match="learned anew"):
        Thresholds.load(file)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"version": 9, "checks": {}}', b"\xff", b'{"version":1,"checks":[]}']
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f.json").write_bytes(content)
    with pytest.raises(ConfigError, match=r"guards\.thresholds"):
        Thresholds.load(tmp_path / "f.json")


def test_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        Thresholds.load(tmp_path / "none.json")


def test_a_fingerprint_is_of_all_files_of_a_check(tmp_path: Path) -> None:
    assert fingerprint("a", tmp_path) == ""
    (tmp_path / "a.npz").write_bytes(b"1")
    first = fingerprint("a", tmp_path)
    (tmp_path / "a_documents.json").write_bytes(b"1")
    (tmp_path / "b.npz").write_bytes(b"1")
    second = fingerprint("a", tmp_path)
    assert len({"", first, second}) == 3
