"""`stepwell conversation list|show|erase`."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from stepwell.front.cli.main import main
from stepwell.testing import FakeTier
from tests.house import house

Capture = pytest.CaptureFixture[str]
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
TALK: list[dict[str, Any]] = [
    {"role": "user", "content": "Where do zebras sleep?", "name": "ann"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "standing"},
    {"role": "assistant", "content": "On their feet."},
]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stepwell.yaml").write_text("context: {path: talks.db}\n")
    return tmp_path


def fill() -> None:
    with house(FakeTier(), context={"path": "talks.db"}) as well:
        for id, tenant, user in (
            ("a", "acme", None),
            ("b", "acme", "ann"),
            ("c", "acme", "ann"),
            ("a", "other", None),
        ):
            well.conversation(id, tenant=tenant, user=user).append(TALK)
        well.conversation("a", tenant="acme").pin("Ann likes zebras.")


def run(*words: str) -> int:
    return main(["conversation", *words])


def ids(capsys: Capture, *more: str, tenant: str = "acme") -> set[str]:
    capsys.readouterr()
    assert run("list", "--tenant", tenant, "--json", *more) == 0
    return {one["id"] for one in json.loads(capsys.readouterr().out)}


def test_the_list_is_a_tenants(capsys: Capture) -> None:
    fill()
    assert ids(capsys) == {"a", "b", "c"}
    assert ids(capsys, "--user", "ann") == {"b", "c"}
    assert ids(capsys, tenant="") == set()
    assert len(ids(capsys, "--limit", "1")) == 1
    assert run("list", "--tenant", "other") == 0
    out = capsys.readouterr().out
    assert out.split()[:5] == ["id", "user", "messages", "began", "last"]
    assert "zebras" not in out


def test_without_a_tenant_it_is_those_that_named_none(capsys: Capture) -> None:
    fill()
    assert run("list") == 0
    shown = capsys.readouterr()
    assert shown.out.split() == ["id", "user", "messages", "began", "last"]
    assert "--tenant local" in shown.err
    with house(FakeTier(), context={"path": "talks.db"}) as well:
        well.conversation("mine").append(TALK)
    assert run("list", "--json") == 0
    shown = capsys.readouterr()
    assert [one["id"] for one in json.loads(shown.out)] == ["mine"]
    assert shown.err == ""
    assert run("show", "a") == 1
    assert "--tenant local" in capsys.readouterr().err
    assert run("show", "mine", "--path", "talks.db") == 0
    assert run("erase", "a") == 1
    assert run("erase", "mine") == 0
    assert ids(capsys) == {"a", "b", "c"}


def test_where_keys_name_tenants_one_must_be_named(here: Path, capsys: Capture) -> None:
    fill()
    keys = "[{env: A, tenant: other}, {env: B, tenant: acme}, {env: C, tenant: acme}]"
    (here / "stepwell.yaml").write_text(f"context: {{path: talks.db}}\nserver: {{keys: {keys}}}\n")
    for words in (["list"], ["show", "a"], ["erase", "a"], ["erase", "--all"]):
        assert run(*words) == 2
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)
        assert "--tenant" in said.err
        assert "acme, other" in said.err
    assert ids(capsys) == {"a", "b", "c"}
    assert ids(capsys, tenant="") == set()
    assert run("list", "--path", "talks.db") == 0


def test_show_prints_pins_and_messages(capsys: Capture) -> None:
    fill()
    assert run("show", "a", "--tenant", "acme") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("pinned ")
    assert lines[0].endswith(": Ann likes zebras.")
    assert lines[1].startswith("0 [")
    assert lines[1].endswith("ann: Where do zebras sleep?")
    assert lines[2].endswith('assistant: calls look({"at": 1})')
    assert len(lines) == 5
    assert run("show", "a", "--tenant", "acme", "--last", "1") == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("assistant: On their feet.")


def test_show_gives_json_verbatim(capsys: Capture) -> None:
    fill()
    assert run("show", "b", "--tenant", "acme", "--user", "ann", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert [item["message"] for item in shown["items"]] == TALK
    assert (shown["id"], shown["pins"], shown["summary"]) == ("b", [], None)


def test_what_is_not_there_or_another_users_is_not_shown(capsys: Capture) -> None:
    fill()
    assert run("show", "nothing", "--tenant", "acme") == 1
    assert run("show", "b", "--tenant", "acme") == 2
    assert "say whose by --user" in capsys.readouterr().err
    assert run("show", "a", "--tenant", "") == 1


def test_erase_takes_what_was_meant_and_no_more(capsys: Capture) -> None:
    fill()
    assert run("erase", "a", "--tenant", "acme") == 0
    assert "1 conversation erased" in capsys.readouterr().err
    assert run("erase", "a", "--tenant", "acme") == 1
    assert ids(capsys) == {"b", "c"}
    assert ids(capsys, tenant="other") == {"a"}
    assert run("erase", "b", "--tenant", "acme", "--user", "bob") == 1
    assert run("erase", "--tenant", "acme", "--user", "ann") == 0
    assert ids(capsys) == set()
    assert run("erase", "--tenant", "other", "--all") == 0
    assert not any(b"zebras" in path.read_bytes() for path in Path().iterdir())


@pytest.mark.parametrize(
    "words", [["erase"], ["erase", "a", "--all"], ["list", "--limit", "0"], ["show", "a", "--last", "0"]]
)
def test_an_unclear_command_does_nothing(capsys: Capture, words: list[str]) -> None:
    fill()
    assert run(*words, "--tenant", "acme") == 2
    assert ids(capsys) == {"a", "b", "c"}


def test_no_log_is_said_in_one_line(here: Path, capsys: Capture) -> None:
    assert run("list", "--tenant", "") == 2
    assert capsys.readouterr().err == "stepwell: talks.db: no conversations there yet\n"
    assert not (here / "talks.db").exists()
    (here / "stepwell.yaml").write_text("{}")
    assert run("list", "--tenant", "") == 2
    assert "set context.path, or give --path" in capsys.readouterr().err
    (here / "stepwell.yaml").write_text("context: {redis_url_env: NOT_SET_IN_TESTS}")
    assert run("list", "--tenant", "") == 2
    assert "NOT_SET_IN_TESTS is not set" in capsys.readouterr().err


def test_another_programs_file_is_left_alone(here: Path, capsys: Capture) -> None:
    with closing(sqlite3.connect("other.db")) as connection:
        connection.execute("CREATE TABLE mine (x)")
    before = (here / "other.db").read_bytes()
    assert run("list", "--tenant", "", "--path", "other.db") == 2
    assert "a file of something else" in capsys.readouterr().err
    assert (here / "other.db").read_bytes() == before


def test_a_redis_that_does_not_answer_is_infrastructure(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("NO_REDIS", "redis://127.0.0.1:1/0")
    (here / "stepwell.yaml").write_text("context: {redis_url_env: NO_REDIS, redis_timeout_s: 0.2}")
    assert run("list", "--tenant", "") == 3
    assert capsys.readouterr().err.startswith("stepwell: ")


def test_ask_goes_on_with_a_conversation(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    tier = FakeTier(["A fine name.", "Miso."])
    monkeypatch.setattr("stepwell.well.Stepwell", lambda _: house(tier, context={"path": "talks.db"}))
    for prompt in ("My cat is called Miso.", "What is my cat called?"):
        assert main(["ask", "--conversation", "c", prompt]) == 0
    assert [m.text for m in tier.requests[-1].messages] == [
        "My cat is called Miso.",
        "A fine name.",
        "What is my cat called?",
    ]
    assert ids(capsys, tenant="") == {"c"}
