"""`stepwell guard reviews|show|approve|reject|labels`."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from stepwell.base.config.guards import ReviewConfig
from stepwell.front.cli.main import main
from stepwell.guards.review.held import Held
from stepwell.guards.review.queue import ReviewQueue
from stepwell.testing import FakeTier
from tests.house import house

Capture = pytest.CaptureFixture[str]
TEXTS = ("Where do zebras sleep?", "Open the gate for the quagga.", "A third one")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGNAME", "ann")
    (tmp_path / "stepwell.yaml").write_text("guards: {review: {path: r.db}}\n")
    return tmp_path


@pytest.fixture
def ids() -> list[str]:
    """Two of acme's wait, and one of another tenant's."""

    async def fill() -> list[str]:
        queue = ReviewQueue(ReviewConfig(path="r.db"))
        made = []
        for text, tenant in zip(TEXTS, ("acme", "acme", "other"), strict=True):
            held: dict[str, Any] = {"kinds": ("INJECTION",), "score": 0.8, "policy": "p1"}
            made.append(
                await queue.hold(Held(tenant=tenant, stage="input", check="injection", text=text, **held))
            )
        await queue.close()
        return [id for id in made if id is not None]

    return asyncio.run(fill())


def run(*words: str) -> int:
    return main(["guard", *words])


def listed(capsys: Capture, *more: str) -> list[str]:
    capsys.readouterr()
    assert run("reviews", "--json", *more) == 0
    return [one["id"] for one in json.loads(capsys.readouterr().out)]


def test_the_list_is_of_what_waits_and_shows_no_text(ids: list[str], capsys: Capture) -> None:
    assert listed(capsys) == ids
    assert listed(capsys, "--tenant", "acme") == ids[:2]
    assert listed(capsys, "--limit", "1") == ids[:1]
    assert run("approve", ids[0]) == 0
    assert listed(capsys) == ids[1:]
    assert listed(capsys, "--status", "approved") == ids[:1]
    assert listed(capsys, "--status", "all") == ids
    assert run("reviews", "--path", "r.db") == 0
    out = capsys.readouterr().out
    assert out.split()[:4] == ["id", "tenant", "stage", "check"]
    assert "INJECTION" in out
    assert not any(text in out for text in TEXTS)


def test_show_has_the_text(ids: list[str], capsys: Capture) -> None:
    assert run("show", ids[0]) == 0
    shown = capsys.readouterr().out
    assert TEXTS[0] in shown
    assert "check: injection" in shown
    assert run("show", ids[0], "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["text"], told["kinds"], told["status"]) == (TEXTS[0], ["INJECTION"], "waiting")
    for words in (["show", "rev_none"], ["show", ids[0], "--tenant", "other"], ["approve", "rev_none"]):
        assert run(*words) == 1
        assert capsys.readouterr().err == "there is no such review\n"


def test_a_decision_names_who_and_why(ids: list[str], capsys: Capture) -> None:
    assert run("reject", ids[1], "--note", "an attack") == 0
    assert capsys.readouterr().err == f"{ids[1]} is rejected\n"
    assert run("show", ids[1], "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["by"], told["note"], told["status"]) == ("ann", "an attack", "rejected")
    assert run("approve", ids[1]) == 1
    assert "--overrule" in capsys.readouterr().err
    assert run("approve", ids[1], "--overrule", "--by", "bob") == 0
    assert run("show", ids[1], "--json") == 0
    assert json.loads(capsys.readouterr().out)["by"] == "bob"


def test_labels_are_for_tuning_and_their_texts_go(here: Path, ids: list[str], capsys: Capture) -> None:
    run("approve", ids[0])
    run("reject", ids[1])
    assert run("labels", "--out", "l.jsonl", "--keep") == 0
    assert run("labels", "--out", "l.jsonl") == 0
    rows = [json.loads(line) for line in (here / "l.jsonl").read_text().splitlines()]
    assert [(r["text"], r["label"], r["check"], r["stage"]) for r in rows] == [
        (TEXTS[0], 0, "injection", "input"),
        (TEXTS[1], 1, "injection", "input"),
    ]
    assert stat.S_IMODE((here / "l.jsonl").stat().st_mode) == 0o600
    capsys.readouterr()
    assert run("labels") == 0
    assert capsys.readouterr() == ("", "0 labels\n")
    assert run("show", ids[0]) == 0
    assert "the text was erased" in capsys.readouterr().out
    assert not any(b"quagga" in path.read_bytes() for path in here.glob("r.db*"))


def test_labels_that_went_into_a_pipe_stay(ids: list[str], capsys: Capture) -> None:
    run("approve", ids[0])
    capsys.readouterr()
    for erase in ([], ["--erase"]):
        assert run("labels", *erase) == 0
        told = capsys.readouterr()
        assert json.loads(told.out)["text"] == TEXTS[0]
        assert ("stay in the queue" in told.err) == (not erase)
    assert run("labels") == 0
    assert capsys.readouterr() == ("", "0 labels\n")
    with pytest.raises(SystemExit):
        run("labels", "--keep", "--erase")
    assert "not allowed with" in capsys.readouterr().err


def test_a_label_file_that_cant_be_written_erases_nothing(ids: list[str], capsys: Capture) -> None:
    run("approve", ids[0])
    assert run("labels", "--out", "no/such/folder/l.jsonl") == 2
    capsys.readouterr()
    assert run("labels") == 0
    assert json.loads(capsys.readouterr().out)["text"] == TEXTS[0]


def test_a_house_and_its_reviewer_share_the_file(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    guards = {"input": [{"check": "email", "action": "review"}], "output": [], "review": {"path": "r.db"}}
    monkeypatch.setattr("stepwell.well.Stepwell", lambda _: house(FakeTier("sent"), guards=guards))
    ask = ["ask", "write to zoo@quagga.example"]
    assert main(ask) == 4
    said = capsys.readouterr().err
    (id,) = listed(capsys)
    assert f"stepwell guard show {id}" in said
    assert run("approve", id) == 0
    assert main(ask) == 0
    assert capsys.readouterr().out == "sent\n"
    assert run("reject", id, "--overrule") == 0
    assert main(ask) == 4
    assert "person" not in capsys.readouterr().err


def test_no_queue_is_said_in_one_line(here: Path, capsys: Capture) -> None:
    assert run("reviews") == 2
    assert capsys.readouterr().err == "stepwell: r.db: no reviews there yet\n"
    with closing(sqlite3.connect("other.db")) as connection:
        connection.execute("CREATE TABLE mine (x)")
    assert run("reviews", "--path", "other.db") == 2
    assert "a file of something else" in capsys.readouterr().err
    (here / "stepwell.yaml").write_text("{}")
    assert run("reviews") == 2
    assert "set guards.review.path" in capsys.readouterr().err
    assert run("reviews", "--limit", "0") == 2
