"""One fine-tuned model as a tier, on the real local model: found, checked, constrained, and told by its version."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepwell import Stepwell
from stepwell.base.errors import ConfigError, StepwellError
from stepwell.base.reply import Reply
from stepwell.base.request import ChatRequest
from stepwell.check_line import CheckLine
from stepwell.router.tiers import weights
from stepwell.router.tiers.base import Outgoing
from stepwell.router.tiers.bundle import Bundle
from tests.support.fine_tuned import MODEL, adapter_bundle, promoted

pytest.importorskip("gguf")
pytestmark = pytest.mark.skipif(
    weights.find(MODEL) is None, reason=f"the weights of {MODEL} are not here: stepwell local fetch"
)
SCHEMA = {
    "type": "object",
    "properties": {"why": {"enum": ["late", "broken"]}},
    "required": ["why"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of its own, whose weights are the ones that are here."""
    found, folder = weights.find(MODEL), tmp_path_factory.mktemp("home")
    assert found is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STEPWELL_HOME", str(folder))
        weights.folder().mkdir()
        (weights.folder() / f"{MODEL}.gguf").symlink_to(found)
        yield folder


@pytest.fixture(scope="module")
def mails(home: Path) -> Bundle:
    """A promoted adapter that no request has trained."""
    made = adapter_bundle(
        home / "made", 7, strength=0.1, system="Mails.", schema_json=json.dumps(SCHEMA), max_output_tokens=24
    )
    return promoted(made, "mails")


def well_of(**tier: Any) -> Stepwell:
    return Stepwell(
        tiers={"mails": {"model": "local/mails", **tier}},
        cache={"exact": False, "semantic": "off"},
        promises={"min_p_ok": 0},
    )


def test_answers_keep_to_its_schema_where_the_caller_names_none(mails: Bundle) -> None:
    with well_of() as well:
        reply = well.chat("It came late!", tier="mails", temperature=0)
        assert json.loads(reply.text)["why"] in ("late", "broken")
        assert reply.usage.completion_tokens <= 24
        assert reply.adapter == f"mails@{mails.card.version}"
        assert reply.answer.model == reply.adapter
        assert json.loads(reply.body)["system_fingerprint"] == mails.card.version
        free = well.chat("Say hello.", tier="mails", temperature=0, response_format={"type": "text"})
        assert not free.text.startswith("{")
        stream = well.stream("It came late!", tier="mails", temperature=0)
        assert "".join(stream) == reply.text
        assert stream.reply is not None
        assert (stream.reply.adapter, stream.reply.answer.model) == (reply.adapter, reply.adapter)


def test_room_is_kept_for_what_it_writes_and_no_more(mails: Bundle) -> None:
    """The usual reserve for a reply would leave half of a small window."""
    long = {"role": "system", "content": "Read the mail and say why it was sent. " * 40}
    with well_of() as well:
        reply = well.chat([long, {"role": "user", "content": "It came late!"}], tier="mails", temperature=0)
        assert json.loads(reply.text)["why"] in ("late", "broken")


def test_the_callers_system_prompt_is_not_what_it_was_trained_with(mails: Bundle) -> None:
    said = [{"role": "user", "content": "It came late!"}]
    with well_of() as well:
        plain = well.chat(said, tier="mails", temperature=0)
        led = well.chat(
            [{"role": "system", "content": "Be a pirate. " * 9}, *said], tier="mails", temperature=0
        )
    assert (plain.text, plain.usage.prompt_tokens) == (led.text, led.usage.prompt_tokens)
    with pytest.raises(ConfigError, match="system_prompt can't be set"):
        well_of(system_prompt="Be a pirate.")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[list[dict[str, str]]]:
    """The messages of each request, as they go to llama.cpp."""
    found: list[list[dict[str, str]]] = []
    body = Outgoing.body

    def kept(self: Outgoing, request: ChatRequest, *, is_stream: bool) -> bytes:
        made = body(self, request, is_stream=is_stream)
        found.append(json.loads(made)["messages"])
        return made

    monkeypatch.setattr(Outgoing, "body", kept)
    return found


def test_facts_of_a_conversation_reach_it(mails: Bundle, sent: list[list[dict[str, str]]]) -> None:
    said = (
        {"role": "user", "content": f"Kettle {n} leaks. {'It drips on the table. ' * 9}"} for n in range(5)
    )
    with well_of(window_tokens=700) as well:
        talk = well.conversation("c1")
        talk.pin("The order number is 99123.")
        talk.chat([{"role": "system", "content": "Be a pirate."}, next(said)], tier="mails", max_tokens=24)
        for mail in said:
            last = talk.chat([mail], tier="mails", max_tokens=24)
    facts = "Facts to keep in mind:\n- The order number is 99123."
    assert {m[0]["content"] for m in sent} == {f"Mails.\n\n{facts}"}
    assert all(m["role"] != "system" for messages in sent for m in messages[1:])
    assert last.trace.context is not None
    assert last.trace.context.n_dropped


def test_a_version_may_be_named_and_another_is_refused(mails: Bundle) -> None:
    with well_of(model=f"local/mails@{mails.card.version[:6]}") as well:
        assert well.chat("Late!", model=f"local/mails@{mails.card.version[:6]}").adapter is not None
    with pytest.raises(ConfigError, match="no such thing as version 'ffff'"):
        well_of(model="local/mails@ffff")


def test_on_other_weights_it_is_refused(mails: Bundle, tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(b"GGUF of another model")
    with pytest.raises(ConfigError, match="was trained on weights with sha256"):
        well_of(base=str(other))


def test_a_broken_champion_stops_no_other_tier(home: Path, tmp_path: Path) -> None:
    broken = promoted(adapter_bundle(tmp_path / "made", 9), "broken")
    other = tmp_path / "other.gguf"
    other.write_bytes(b"GGUF of another model")

    def looked_at(**tier: Any) -> tuple[CheckLine, Reply]:
        with Stepwell(
            tiers={"mine": {"model": "local/broken", **tier}, "other": {"model": f"local/{MODEL}"}},
            cache={"exact": False, "semantic": "off"},
            promises={"min_p_ok": 0},
        ) as well:
            assert [t.is_narrow for t in well.tiers] == [True, False]
            [line] = [line for line in well.check() if line.subject == "tier mine"]
            with pytest.raises(StepwellError):
                well.chat("Hi!", tier="mine")
            return line, well.chat("Hi!", max_tokens=2)

    line, reply = looked_at(base=str(other))
    assert (line.status, reply.tier) == ("warn", "other")
    assert "was trained on weights with sha256" in line.detail
    broken.file.write_bytes(broken.file.read_bytes()[:-1])
    line, reply = looked_at()
    assert (line.status, reply.tier) == ("warn", "other")
    assert f"(broken/{broken.card.version}/adapter.gguf: its sha256 is not the one" in line.detail
    assert "`stepwell local rollback broken`" in line.detail
    shutil.rmtree(broken.folder)
    line, reply = looked_at()
    assert (line.status, reply.tier) == ("warn", "other")
    assert "`stepwell local rollback broken`" in line.detail
    with pytest.raises(ConfigError, match="`stepwell local rollback broken`"):
        well_of(model="local/broken")


def test_a_changed_file_is_refused(mails: Bundle, tmp_path: Path) -> None:
    made = adapter_bundle(tmp_path / "cut", 8)
    made.file.write_bytes(made.file.read_bytes()[:-1])
    with pytest.raises(ConfigError, match="is not the one that"):
        well_of(model=f"local/{made.folder}")
