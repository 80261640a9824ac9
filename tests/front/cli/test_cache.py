"""`stepwell cache report` and `cache erase`."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from stepwell import Stepwell
from stepwell.front.cli.main import main
from stepwell.memory.sqlite_store import SqliteStore
from stepwell.memory.store import Tally
from stepwell.testing import FakeTier
from tests.house import house

Capture = pytest.CaptureFixture[str]
SECRET = "where the zebras sleep"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stepwell.yaml").write_text("cache: {path: cache.db, semantic: shadow}\n")
    return tmp_path


def well() -> Stepwell:
    return house(FakeTier("an answer"), cache={"path": "cache.db", "semantic": "off"})


def filled() -> dict[str, str]:
    """A tenant's hit each; by tenant, its name."""
    made = {}
    with well() as open_well:
        for tenant in ("acme", "other"):
            open_well.chat(SECRET, tenant=tenant, user="ann")
            reply = open_well.chat(SECRET, tenant=tenant, user="ann")
            assert reply.trace.cache is not None
            assert reply.trace.cache.hit_id is not None
            made[tenant] = reply.trace.cache.hit_id
    return made


def statuses() -> dict[str, str]:
    found: dict[str, str] = {}
    with well() as open_well:
        for tenant in ("acme", "other"):
            decision = open_well.chat(SECRET, tenant=tenant, user="ann", cache="no-store").trace.cache
            assert decision is not None
            found[tenant] = decision.status
    return found


def test_the_report_counts_what_was_served_and_saved(capsys: Capture) -> None:
    filled()
    assert main(["cache", "report", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["hit"]["n"] == 2
    assert told["hit"]["usd"] > 0
    assert told["n_misses"] == 2
    assert told["gate"]["state"] == "shadow"
    assert main(["cache", "report"]) == 0
    out = capsys.readouterr().out
    assert "exact" in out
    assert "served 2 of 4 look-ups (50.0%) in all; 0 reported as wrong" in out
    assert "state: shadow" in out
    assert "2.0% may be wrong" in out
    assert SECRET not in out


def test_days_leave_older_hits_out(capsys: Capture) -> None:
    store = SqliteStore("cache.db")
    hour = int(time.time() // 3600)
    store.count([Tally(hour - 30, "hit", 5, 1.0, 7200.0), Tally(hour, "semantic_hit", 1, 2.5, 90.0)])
    asyncio.run(store.close())
    for days, n in (([], 6), (["--days", "1"], 1), (["--days", "2"], 6)):
        assert main(["cache", "report", *days]) == 0
        assert f"served {n} of {n} look-ups" in capsys.readouterr().out
    assert main(["cache", "report", "--days", "0"]) == 2


def test_erase_takes_one_hit_one_user_or_one_tenant(capsys: Capture) -> None:
    names = filled()
    assert main(["cache", "erase", "--tenant", "other", "--hit-id", names["acme"]]) == 1
    assert main(["cache", "erase", "--tenant", "acme", "--user", "bob"]) == 1
    assert statuses() == {"acme": "hit", "other": "hit"}
    assert main(["cache", "erase", "--tenant", "acme", "--hit-id", names["acme"]]) == 0
    assert capsys.readouterr().err.endswith("1 entry erased\n")
    assert statuses() == {"acme": "miss", "other": "hit"}
    assert main(["cache", "erase", "--tenant", "other", "--user", "ann"]) == 0
    assert statuses()["other"] == "miss"
    filled()
    assert main(["cache", "erase", "--tenant", "acme"]) == 0
    assert statuses() == {"acme": "miss", "other": "hit"}


@pytest.mark.parametrize("line", ["report", "erase --tenant a"])
def test_where_there_is_no_cache_it_says_so_and_makes_no_file(line: str, here: Path, capsys: Capture) -> None:
    assert main(["cache", *line.split()]) == 2
    assert "no cache there yet" in capsys.readouterr().err
    assert not (here / "cache.db").exists()
    (here / "stepwell.yaml").write_text("cache: {semantic: shadow}\n")
    assert main(["cache", *line.split()]) == 2
    assert "cache.path" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["nothing", "text", "sqlite"])
def test_a_foreign_file_stays_as_it_is(what: str, here: Path, capsys: Capture) -> None:
    path = here / "notes.db"
    path.write_bytes(b"a text" * 1000 if what == "text" else b"")
    if what == "sqlite":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE mine (n INTEGER)")
    before = path.read_bytes()
    assert main(["cache", "report", "--path", "notes.db"]) == 2
    assert "notes.db" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert [p.name for p in here.iterdir() if p.name.startswith("notes")] == ["notes.db"]


def test_a_file_that_another_process_just_made_is_read(capsys: Capture) -> None:
    """Its name as ours may lie in the log still."""
    store = SqliteStore("cache.db")
    assert main(["cache", "report", "--path", "cache.db"]) == 0
    assert "served 0 of 0" in capsys.readouterr().out
    asyncio.run(store.close())


@pytest.mark.parametrize("share", ["0", "0.5", "-1", ".nan"])
def test_a_budget_that_cannot_be_kept_is_refused(share: str, here: Path, capsys: Capture) -> None:
    filled()
    path = here / "stepwell.yaml"
    path.write_text(path.read_text() + f"promises: {{max_cache_error: {share}}}\n")
    for line in (["cache", "report"], ["check"]):
        assert main(line) == 2
        assert "cache.semantic: off" in capsys.readouterr().err


def test_a_file_of_something_else_is_refused(here: Path, capsys: Capture) -> None:
    (here / "notes.db").write_bytes(b"not a database, but long enough to be read as a header" * 40)
    assert main(["cache", "report", "--path", "notes.db"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
