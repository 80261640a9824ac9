"""`stepwell guard audit`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import msgspec
import pytest

from stepwell.base.decisions import Noted, Verdict
from stepwell.front.cli.main import main
from stepwell.guards.audit_line import Asked, Audited

Capture = pytest.CaptureFixture[str]
FOUND = Noted("EMAIL", "messages.0.content", 0, 9, 1.0, "email", "keep_to")
BOUND = Verdict("input", "keep_to", ("EMAIL",), 1, (), (FOUND,), ("local",))
GOOD = Audited(
    1e9, "r1", 200, "t1", input=BOUND, keep_to=("local",), asked=(Asked("local", "l", "ok", 1),), tier="local"
)
BAD = Audited(
    1e9, "r2", 503, "t2", input=BOUND, keep_to=("local",), asked=(Asked("dear", "d", "tier_timeout", 1),)
)
FREE = Audited(
    1e9, "r3", 200, "t1", input=Verdict("input"), asked=(Asked("dear", "d", "ok", 1),), tier="dear"
)


def write(path: Path, *lines: Audited) -> str:
    raw = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return str(path)


def test_all_is_well_where_bound_requests_kept_to_their_tiers(tmp_path: Path, capsys: Capture) -> None:
    assert main(["guard", "audit", write(tmp_path / "a.jsonl", GOOD, FREE)]) == 0
    out = capsys.readouterr().out
    assert "2 requests, 1 bound to tiers: none reached another tier" in out
    assert "EMAIL" in out
    assert "t1" in out


def test_one_that_strayed_is_named_and_is_exit_code_1(tmp_path: Path, capsys: Capture) -> None:
    files = [write(tmp_path / "a.jsonl.gz", GOOD, FREE), write(tmp_path / "b.jsonl", BAD)]
    assert main(["guard", "audit", *files]) == 1
    out = capsys.readouterr().out
    assert "r2" in out
    assert "is bound to local, and reached dear" in out
    assert "1 reached another tier" in out


def test_json_and_kind(tmp_path: Path, capsys: Capture) -> None:
    path = write(tmp_path / "a.jsonl", GOOD, BAD, FREE)
    with Path(path).open("ab") as file:
        file.write(b'{"ts_s"')
    assert main(["guard", "audit", path, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["n_requests"], told["n_bound"], told["n_unreadable"]) == (3, 2, 1)
    assert told["tenants"] == {"t1": 2, "t2": 1}
    assert told["findings"] == [{"check": "email", "kind": "EMAIL", "action": "keep_to", "n": 2}]
    assert [(a["request_id"], a["reached"]) for a in told["astray"]] == [("r2", ["dear"])]
    assert main(["guard", "audit", path]) == 1
    assert "they prove nothing" in capsys.readouterr().err
    good = write(tmp_path / "good.jsonl", GOOD, FREE)
    assert main(["guard", "audit", good, "--kind", "IBAN", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_requests"] == 0


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (b'{"a": 1}\n', "1 lines are none of an audit's"),
        (b"\xff\xfe\n", "1 lines are none"),
        (b"", "no line of an"),
    ],
)
def test_what_proves_nothing_is_exit_code_1(tmp_path: Path, capsys: Capture, more: bytes, why: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(more)
    assert main(["guard", "audit", str(file)]) == 1
    assert why in capsys.readouterr().err
    if more:
        file.write_bytes(Path(write(tmp_path / "good.jsonl", GOOD)).read_bytes() + more)
        assert main(["guard", "audit", str(file), "--json"]) == 1


def test_no_file_is_a_usage_error(tmp_path: Path, capsys: Capture) -> None:
    assert main(["guard", "audit", str(tmp_path / "none.jsonl")]) == 2
    assert "none.jsonl" in capsys.readouterr().err
