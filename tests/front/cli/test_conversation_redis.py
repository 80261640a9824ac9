"""`stepwell conversation`, and a conversation that wanders, where replicas share the log through Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepwell.front.cli.main import main
from stepwell.testing import FakeTier
from tests.house import house
from tests.router.redis_server import PATIENT, Server

Capture = pytest.CaptureFixture[str]
SHARED: dict[str, Any] = {"redis_url_env": "STEPWELL_TEST_REDIS", "redis_timeout_s": 5}


@pytest.fixture(autouse=True)
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stepwell.yaml").write_text(f"context: {json.dumps(SHARED)}\n")
    made = Server(tmp_path)
    made.start()
    monkeypatch.setenv("STEPWELL_TEST_REDIS", f"{made.url}?{PATIENT}")
    yield made
    made.stop()


def test_a_conversation_goes_on_at_another_replica_until_the_shell_erases_it(capsys: Capture) -> None:
    one, two = FakeTier("One."), FakeTier("Two.")
    with house(one, context=SHARED) as here, house(two, context=SHARED) as there:
        here.conversation("c", tenant="acme").chat("First?")
        there.conversation("c", tenant="acme").chat("Second?")
        assert [m.text for m in two.requests[-1].messages] == ["First?", "One.", "Second?"]
        here.conversation("c", tenant="acme").chat("Third?")
        assert [m.text for m in one.requests[-1].messages] == ["First?", "One.", "Second?", "Two.", "Third?"]
        capsys.readouterr()
        assert main(["conversation", "list", "--tenant", "acme", "--json"]) == 0
        listed = json.loads(capsys.readouterr().out)
        assert [(c["id"], c["n_messages"]) for c in listed] == [("c", 6)]
        assert main(["conversation", "erase", "c", "--tenant", "acme"]) == 0
        assert main(["conversation", "show", "c", "--tenant", "acme"]) == 1
        there.conversation("c", tenant="acme").chat("Fourth?")
        assert [m.text for m in two.requests[-1].messages] == ["Fourth?"]


def test_pins_and_what_is_beyond_the_last_turn_are_read(capsys: Capture) -> None:
    with house(FakeTier(), context=SHARED) as well:
        talk = well.conversation("c")
        talk.append([{"role": "user", "content": "First?"}])
        pin = talk.pin("Ann is allergic to nuts.")
        assert talk.pins() == [pin]
        for after in (0, 1, 2**40, 2**53):
            past = talk.past(after=after)
            assert (past.n_turns, past.turns, past.pins) == (1, (), (pin,))
