"""The audit: what a line says, that it holds no text, and that it proves who saw a bound request."""

from __future__ import annotations

import json
import logging
import os
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.config.guards import AuditConfig
from stepwell.base.decisions import Attempt, CacheDecision, Decision, Escalation, Noted, Trace, Verdict
from stepwell.base.errors import ConfigError
from stepwell.base.request import Caller, ChatRequest
from stepwell.guards.audit import Audit
from stepwell.guards.audit_line import Audited
from stepwell.guards.audit_report import AuditReport, report_of
from tests.support.served import wait_until

FOUND = Noted("EMAIL", "messages.0.content", 3, 9, 1.0, "email", "keep_to")
BOUND = Verdict("input", "keep_to", ("EMAIL",), 1, (), (FOUND,), ("local",), "p1", 0.5)
ROUTED = Decision("local", ("local",), "pinned")


def audit_of(config: AuditConfig) -> Audit:
    return Audit(config, tiers=("local", "near", "dear"))


def ask(text: str = "hello", keep_to: set[str] | None = None, **more: Any) -> ChatRequest:
    made = ChatRequest.build({"messages": [{"role": "user", "content": text}], **more}, Caller("acme", "ann"))
    return msgspec.structs.replace(made, keep_to=None if keep_to is None else frozenset(keep_to))


def trace(*attempts: tuple[str, str], **more: Any) -> Trace:
    tries = [Attempt(tier, f"{tier}-1", outcome, 1.0) for tier, outcome in attempts]
    return Trace("r1", **{"guard_input": BOUND, "route": ROUTED, "attempts": tries, **more})


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def audited(tmp_path: Path, *calls: tuple[Trace, ChatRequest, int, str | None]) -> list[dict[str, Any]]:
    audit = audit_of(AuditConfig(path=str(tmp_path / "a.jsonl")))
    for call in calls:
        audit.write(*call)
    audit.close()
    return lines(tmp_path / "a.jsonl")


def report(path: Path, kind: str | None = None) -> AuditReport:
    return report_of(path.read_bytes().splitlines(), kind=kind)


# ---- one line


def test_a_line_says_what_was_found_and_who_was_asked(tmp_path: Path) -> None:
    made = trace(("dear", "kept_from"), ("local", "tier_timeout"), ("local", "ok"))
    made.escalations.append(Escalation("local", "local", "guard: EMAIL"))
    made.guard_output = Verdict("output")
    (line,) = audited(tmp_path, (made, ask(keep_to={"local"}), 200, "local"))
    assert (line["request_id"], line["status"], line["tier"], line["keep_to"]) == (
        "r1",
        200,
        "local",
        ["local"],
    )
    assert [(a["tier"], a["outcome"]) for a in line["asked"]] == [
        ("dear", "kept_from"),
        ("local", "tier_timeout"),
        ("local", "ok"),
    ]
    assert line["input"]["action"] == "keep_to"
    found = line["input"]["findings"][0]
    assert (found["kind"], found["where"], found["start"], found["end"]) == (
        "EMAIL",
        "messages.0.content",
        3,
        9,
    )
    assert (found["score"], found["check"], found["action"]) == (1.0, "email", "keep_to")
    assert (line["input"]["policy"], line["output"]["action"]) == ("p1", "allow")
    assert line["escalations"][0]["why"] == "guard: EMAIL"
    assert stat.S_IMODE((tmp_path / "a.jsonl").stat().st_mode) == 0o600


def test_what_no_guard_looked_at_leaves_no_line(tmp_path: Path) -> None:
    plain = trace(("dear", "ok"), guard_input=None)
    found = audited(tmp_path, (plain, ask(), 200, "dear"), (plain, ask(keep_to={"local"}), 200, "local"))
    assert [line["keep_to"] for line in found] == [["local"]]


def test_a_hit_names_itself_and_who_wrote_it(tmp_path: Path) -> None:
    made = trace(route=None, cache=CacheDecision("hit", hit_id="h1"))
    (line,) = audited(tmp_path, (made, ask(keep_to={"local"}), 200, "local"))
    assert (line["cache"], line["cache_id"], line["tier"], line["keep_to"]) == (
        "hit",
        "h1",
        "local",
        ["local"],
    )


# ---- hashes


def test_hashes_are_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_KEY", "k1")
    config = AuditConfig(path=str(tmp_path / "a.jsonl"), key_env="AUDIT_KEY")
    for key in ("k1", "k1", "k2"):
        monkeypatch.setenv("AUDIT_KEY", key)
        audit = audit_of(config)
        audit.write(trace(), ask("same"), 200, "local")
        audit.close()
    audit.close()
    one, same, other = lines(tmp_path / "a.jsonl")
    assert (one["tenant"], one["messages"]) == (same["tenant"], same["messages"])
    assert one["tenant"] != other["tenant"]
    assert one["messages"] != other["messages"]
    raw = bytes(ask("same").fields["messages"])
    assert other["messages"] == audit.hash_of(raw) != audit.hash_of(raw + b" ")


def test_without_a_key_each_process_has_its_own(tmp_path: Path) -> None:
    for _ in range(2):
        audited(tmp_path, (trace(), ask(), 200, "local"))
    one, other = lines(tmp_path / "a.jsonl")
    assert one["messages"] != other["messages"]


def test_a_key_that_is_not_there_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUDIT_KEY", raising=False)
    with pytest.raises(ConfigError, match="AUDIT_KEY is not set"):
        audit_of(AuditConfig(path=str(tmp_path / "a.jsonl"), key_env="AUDIT_KEY"))
    with pytest.raises(ConfigError, match=r"guards\.audit\.path"):
        audit_of(AuditConfig(path=str(tmp_path)))


# ---- no text

WORDS = st.text(st.sampled_from("ωψχφυzjkqx 🜁#"), min_size=8, max_size=40)


@given(WORDS, WORDS, WORDS)
def test_no_eight_characters_of_anybodys_text_are_in_it(
    tmp_path_factory: pytest.TempPathFactory, text: str, key: str, name: str
) -> None:
    path = tmp_path_factory.mktemp("audit") / "a.jsonl"
    noted = [
        Noted("EMAIL", f"tools.0.function.parameters.properties.{key}.default", 0, 4, 1.0, "email", "log"),
        Noted(text, f"messages.0.{key}", 0, 4, 1.0, "email", "log"),
    ]
    verdict = Verdict("input", "log", ("EMAIL", text), 2, (), tuple(noted), (name,), "p1", 0.1)
    made = trace(guard_input=verdict, guard_output=verdict)
    request = ask(text, {name, "local"}, metadata={key: text})
    request = msgspec.structs.replace(request, caller=Caller(name, text))
    audit = audit_of(AuditConfig(path=str(path)))
    audit.write(made, request, 400, None)
    audit.close()
    written = path.read_text()
    told = msgspec.json.decode(written.encode(), type=Audited)
    assert told.keep_to is not None
    assert (len(told.keep_to), "local" in told.keep_to) == (2, True)
    for shown in (written, msgspec.json.encode(told).decode(), repr(told)):
        for secret in (text, key, name):
            assert not any(secret[i : i + 8] in shown for i in range(len(secret) - 7))


# ---- the proof


@pytest.mark.parametrize(
    ("attempts", "tier", "astray"),
    [
        ([("local", "ok")], "local", []),
        ([("dear", "kept_from"), ("local", "ok")], "local", []),
        ([("local", "tier_timeout"), ("dear", "tier_timeout")], None, ["dear"]),
        ([], "dear", ["dear"]),
        ([("near", "ok"), ("dear", "ok")], "dear", ["dear", "near"]),
    ],
)
def test_a_bound_request_that_reached_others_is_told(
    tmp_path: Path, attempts: list[tuple[str, str]], tier: str | None, astray: list[str]
) -> None:
    audited(
        tmp_path,
        (trace(*attempts), ask(keep_to={"local"}), 200, tier),
        (trace(("dear", "ok"), guard_input=Verdict("input", policy="p1")), ask(), 200, "dear"),
    )
    found = report(tmp_path / "a.jsonl")
    assert (found.n_requests, found.n_bound) == (2, 1)
    assert [list(a.reached) for a in found.astray] == ([astray] if astray else [])


def test_the_report_counts(tmp_path: Path) -> None:
    blocked = Verdict("input", "block", ("IBAN",), 1, ("slow: timeout",), (), None, "p1", 0.1)
    audited(
        tmp_path,
        (trace(("local", "ok")), ask(keep_to={"local"}), 200, "local"),
        (trace(guard_input=blocked), ask(), 400, None),
    )
    path = tmp_path / "a.jsonl"
    with path.open("ab") as file:
        file.write(b'\n{"ts_s":1,"request_')
    found = report(path)
    assert (found.n_requests, found.n_unreadable, found.n_bound) == (2, 1, 1)
    assert found.actions == {("input", "keep_to"): 1, ("input", "block"): 1}
    assert found.findings == {("email", "EMAIL", "keep_to"): 1}
    assert (found.failed, set(found.tenants.values())) == ({"slow: timeout": 1}, {2})
    assert report(path, "IBAN").n_requests == 1
    assert report(path, "PHONE").n_requests == 0


# ---- the file


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.jsonl"
    audit = audit_of(AuditConfig(path=str(path)))
    audit.write(trace(), ask(), 200, "local")
    wait_until(lambda: bool(path.read_bytes()))
    path.rename(tmp_path / "old.jsonl")
    audit.write(trace(), ask(), 201, "local")
    audit.close()
    assert [line["status"] for line in (*lines(tmp_path / "old.jsonl"), *lines(path))] == [200, 201]


def test_lines_that_cant_be_written_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    audit = audit_of(AuditConfig(path=str(tmp_path / "a.jsonl")))
    whole = os.write
    monkeypatch.setattr(os, "write", lambda file, raw: whole(file, raw[:10]))
    with caplog.at_level(logging.WARNING, "stepwell.audit"):
        audit.write(trace(), ask(), 200, "local")
        audit.close()
        audit.write(trace(), ask(), 200, "local")
    assert audit.n_lost == 2
    assert len(caplog.records) == 1
