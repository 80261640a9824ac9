"""Outcomes on the disk: what was said of which reply, by whom, and nothing more than one may know."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepwell.base.errors import BadRequest, ConfigError, UnknownReply
from stepwell.base.messages import Usage
from stepwell.base.request import Caller, ChatRequest
from stepwell.router.cascade.climb import Label
from stepwell.router.features import read_ask
from stepwell.router.outcome_notes import Note
from stepwell.router.outcomes import OutcomeStore
from stepwell.router.traits import TRAITS_HASH, traits

CANARY = "Where did zq7canary hide the ledger?"


class Clock:
    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


def note(n: int = 1, **more: Any) -> Note:
    fields: dict[str, Any] = {
        "tier": "local",
        "ask": CANARY,
        "body_id": f"chatcmpl-{n}",
        "tenant": "acme",
        "out_tokens": 7,
        "cost_usd": 0.25,
        "p_ok": 0.8,
        "n_input_tokens": 11,
    }
    return Note(f"r{n}", **{**fields, **more})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outcomes.db"


@pytest.fixture
def store(path: Path) -> Iterator[OutcomeStore]:
    made = OutcomeStore(path, clock=Clock())
    yield made
    made.close()


@pytest.mark.parametrize("reply_id", ["r1", "chatcmpl-1"])
def test_feedback_by_either_id_makes_an_outcome(store: OutcomeStore, reply_id: str) -> None:
    store.remember(note())
    assert store.feedback(reply_id, 0.5, tenant="acme") == "local"
    (row,) = store.rows()
    assert row["id"] == "r1"
    assert row["scores"] == {"local": 0.5}
    assert (row["out_tokens"], row["cost_usd"], row["p_ok"]) == (
        {"local": 7},
        {"local": 0.25},
        {"local": 0.8},
    )
    assert (row["source"], row["at_s"], row["n_input_tokens"]) == ("feedback", 1_000_000.0, 11)


def test_without_leave_the_ask_is_not_written(path: Path) -> None:
    vector = np.full(4, 0.5, np.float32)
    store = OutcomeStore(path)
    store.remember(note(vector=vector, embedder="e1"))
    store.feedback("r1", 1, tenant="acme")
    (row,) = store.rows()
    store.close()
    assert "prompt" not in row
    assert (row["vector"], row["embedder"]) == (vector.tolist(), "e1")
    assert row["traits"] == traits(read_ask(CANARY)).tolist()
    assert row["traits_hash"] == TRAITS_HASH
    written = b"".join(p.read_bytes() for p in path.parent.iterdir())
    assert b"zq7canary" not in written
    assert b"acme" not in written


def test_with_leave_the_ask_is_the_prompt(path: Path) -> None:
    store = OutcomeStore(path, keep_prompts=True)
    store.remember(note())
    store.feedback("r1", 1, tenant="acme")
    assert [json.loads(line)["prompt"] for line in store.export()] == [CANARY]
    store.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_reply_no_feedback(store: OutcomeStore) -> None:
    store.remember(note(body_id=""))
    for reply_id, tenant in (("r2", "acme"), ("", "acme"), ("r1", "other"), ("r1", None), ("\ud800", "acme")):
        with pytest.raises(UnknownReply) as caught:
            store.feedback(reply_id, 1, tenant=tenant)
        assert caught.value.status_code == 404
    assert store.n_rows() == (1, 0)


def test_a_body_id_that_two_tenants_share_is_each_ones_own(store: OutcomeStore) -> None:
    store.remember(note(1, body_id="same"))
    store.remember(note(2, body_id="same", tenant="other", tier="premium"))
    assert store.feedback("same", 1, tenant="acme") == "local"
    assert store.feedback("same", 1, tenant="other") == "premium"
    assert [r["id"] for r in store.rows(tenant="other")] == ["r2"]


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan"), float("inf"), "1", None])
def test_a_score_lies_in_0_to_1(store: OutcomeStore, score: Any) -> None:
    store.remember(note())
    with pytest.raises(BadRequest) as caught:
        store.feedback("r1", score, tenant="acme")
    assert caught.value.param == "score"


def test_a_reply_waits_no_longer_than_its_time(path: Path) -> None:
    clock = Clock()
    store = OutcomeStore(path, ttl_s=60, clock=clock)
    store.remember(note(1))
    store.feedback("r1", 1, tenant="acme")
    clock.now_s += 61
    with pytest.raises(UnknownReply):
        store.feedback("r1", 0, tenant="acme")
    store.remember(note(2))
    assert store.n_rows() == (1, 1)
    store.close()


def test_the_oldest_go_first(path: Path) -> None:
    store = OutcomeStore(path, max_rows=3)
    for n in range(6):
        store.remember(note(n))
        store.feedback(f"r{n}", 1, tenant="acme")
    store.remember(note(6))
    assert store.n_rows() == (3, 3)
    assert [r["id"] for r in store.rows()] == ["r3", "r4", "r5"]
    store.close()


def test_saying_it_again_replaces_and_pushes_nothing_out(path: Path) -> None:
    store = OutcomeStore(path, max_rows=2)
    store.remember(note(1))
    store.remember(note(2))
    store.feedback("r1", 1, tenant="acme")
    for score in (0.9, 0.1, 0.2, 0.3):
        store.feedback("r2", score, tenant="acme")
    store.remember(note(3))
    assert [r["scores"] for r in store.rows()] == [{"local": 1.0}, {"local": 0.3}]
    store.close()


def test_what_checks_say_joins_the_row_and_people_have_the_last_word(store: OutcomeStore) -> None:
    store.label(note(), 0, source="validate")
    store.remember(note(tier="premium", cost_usd=2.0))
    store.label(note(tier="premium"), 0, source="cascade")
    store.feedback("r1", 1, tenant="acme")
    store.label(note(tier="premium"), 0.2, source="validate")
    (row,) = store.rows()
    assert row["scores"] == {"local": 0.0, "premium": 1.0}
    assert row["cost_usd"] == {"local": 0.25, "premium": 2.0}


def test_what_a_climb_finds_joins_the_reply_that_was_served(store: OutcomeStore) -> None:
    request = ChatRequest.build({"messages": [{"role": "user", "content": CANARY}]}, Caller("acme"))
    store.on_label(request, Label("r1", "local", 0.0, "validate", "json", Usage(11, 3, 14), 0.125))
    store.remember(note(tier="premium"))
    store.feedback("r1", 1, tenant="acme")
    (row,) = store.rows(tenant="acme")
    assert row["scores"] == {"local": 0.0, "premium": 1.0}
    assert row["out_tokens"] == {"local": 3, "premium": 7}


def test_another_tiers_answer_may_be_scored_but_its_cost_is_not_known(store: OutcomeStore) -> None:
    store.remember(note())
    store.feedback("r1", 0, tenant="acme")
    assert store.feedback("r1", 1, tenant="acme", tier="premium") == "premium"
    (row,) = store.rows()
    assert (row["scores"], row["cost_usd"]) == ({"local": 0.0, "premium": 1.0}, {"local": 0.25})
    assert [(s.tier, s.score, s.p_ok) for s in store.scored()] == [("local", 0.0, 0.8)]


def test_exploring_is_told(store: OutcomeStore) -> None:
    store.remember(note(is_explored=True))
    store.feedback("r1", 1, tenant="acme")
    assert [r["source"] for r in store.rows()] == ["explore"]


def test_erase_leaves_nothing_of_a_tenant(path: Path) -> None:
    store = OutcomeStore(path, keep_prompts=True)
    for tenant, n in (("acme", 1), ("other", 2)):
        store.remember(note(n, tenant=tenant, ask=f"by {tenant} {CANARY if n == 1 else ''}"))
        store.feedback(f"r{n}", 1, tenant=tenant)
    assert store.erase(tenant="acme") == 2
    assert store.n_rows() == (1, 1)
    store.close()
    assert b"zq7canary" not in b"".join(p.read_bytes() for p in path.parent.iterdir())


def test_what_waited_is_written_on_close(path: Path) -> None:
    store = OutcomeStore(path, linger_s=60)
    for n in range(20):
        store.remember(note(n))
    store.close()
    store.remember(note(99))
    assert store.n_lost == 1
    again = OutcomeStore(path)
    assert again.n_rows() == (20, 0)
    again.close()


def test_two_processes_share_a_file(path: Path) -> None:
    first, second = OutcomeStore(path), OutcomeStore(path)
    first.remember(note(1))
    assert first.n_rows() == (1, 0)
    assert second.feedback("r1", 1, tenant="acme") == "local"
    assert [r["id"] for r in first.rows()] == ["r1"]
    first.close()
    second.close()


KILLED = """
import os, signal, sys
from stepwell.router.outcome_notes import Note
from stepwell.router.outcomes import OutcomeStore
store = OutcomeStore(sys.argv[1])
for n in range(50):
    store.remember(Note(f"r{n}", "local", "why?"))
    store.feedback(f"r{n}", 1)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_feedback_outlives_a_killed_process(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    store = OutcomeStore(path)
    assert [r["id"] for r in store.rows()] == [f"r{n}" for n in range(50)]
    store.close()


def test_a_strange_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE t (a)")
    db.close()
    (tmp_path / "text.db").write_text("no database at all, but long enough to be looked at" * 30)
    for bad in (other, tmp_path / "text.db", tmp_path / "no" / "folder.db"):
        with pytest.raises(ConfigError, match=r"feedback\.path"):
            OutcomeStore(bad)


def test_a_newer_file_is_refused(path: Path) -> None:
    OutcomeStore(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(ConfigError, match="newer"):
        OutcomeStore(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ask=st.text(max_size=200), body_id=st.text(max_size=300), reply_id=st.text(max_size=300))
def test_any_text_may_be_kept_and_asked_for(
    store: OutcomeStore, ask: str, body_id: str, reply_id: str
) -> None:
    n_lost = store.n_lost
    store.remember(note(body_id=body_id, ask=ask))
    with contextlib.suppress(UnknownReply):
        store.feedback(reply_id, 1, tenant="acme")
    assert store.n_lost == n_lost
