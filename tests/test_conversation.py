"""`well.conversation(id)`: its history is kept verbatim, belongs to one tenant and user, and can be erased."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stepwell import BadRequest, ContextTooLong, Stepwell
from stepwell.base.errors import ForeignConversation, StoreUnavailable
from stepwell.base.laden import decode_message
from stepwell.base.tokens import count_messages, count_text
from stepwell.testing import FakeTier
from tests.house import CHEAP, house

TALK: list[dict[str, Any]] = [
    {"role": "user", "content": "My sister Ines moved to Porto in May."},
    {"role": "assistant", "content": "How does she like it?", "x-kept": [1, {"a": None}]},
    {"role": "user", "content": [{"type": "text", "text": "She loves the river."}]},
    {"role": "assistant", "content": "A good place to row."},
]


def at(path: Path, reply: Any = "Noted.") -> tuple[Stepwell, FakeTier]:
    fake = FakeTier(reply)
    return house(fake, context={"path": str(path / "talks.db")}), fake


def said(fake: FakeTier) -> list[tuple[str, str]]:
    """Role and text of what the tier was last sent."""
    return [(m.role, m.text) for m in fake.requests[-1].messages]


# ---- the history


def test_what_is_appended_comes_back_verbatim(tmp_path: Path) -> None:
    well, _ = at(tmp_path)
    with well:
        talk = well.conversation("c")
        assert talk.messages() == []
        assert talk.append(TALK[:2]) == 2
        assert talk.append(TALK[2:]) == 4
        assert talk.append([]) == 4
        assert talk.messages() == TALK
        assert [turn.seq for turn in talk.past().turns] == [0, 1, 2, 3]


def test_an_import_may_say_when_it_was_said(tmp_path: Path) -> None:
    well, _ = at(tmp_path)
    with well:
        talk = well.conversation("c")
        talk.append(TALK[:2], at_s=1_683_550_000)
        talk.append(TALK[2:], at_s=1_690_000_000.5)
        assert [turn.at_s for turn in talk.past().turns] == [1_683_550_000] * 2 + [1_690_000_000.5] * 2
        assert "[8 May, 2023]" in talk.text("Where did Ines move to?", 600)
        for wrong in (1_690_000_000_000, -1, float("nan"), "now", True):
            with pytest.raises(BadRequest):
                talk.append(TALK, at_s=wrong)  # type: ignore[arg-type]
        assert len(talk.messages()) == 4


def test_it_is_there_after_a_restart(tmp_path: Path) -> None:
    well, _ = at(tmp_path)
    with well:
        well.conversation("c").append(TALK)
        pin = well.conversation("c").pin("Ines is my sister.")
    well, _ = at(tmp_path)
    with well:
        assert well.conversation("c").messages() == TALK
        assert well.conversation("c").pins() == [pin]


@pytest.mark.parametrize(
    "wrong", [[{"content": "no role"}], [{"role": 1}], [7], [{"role": "user", "content": 7}]]
)
def test_what_is_no_message_is_refused_whole(tmp_path: Path, wrong: list[Any]) -> None:
    well, _ = at(tmp_path)
    with well:
        with pytest.raises(BadRequest):
            well.conversation("c").append([*TALK, *wrong])
        assert well.conversation("c").messages() == []


def test_pins_come_and_go(tmp_path: Path) -> None:
    well, _ = at(tmp_path)
    with well:
        talk = well.conversation("c")
        one, two = talk.pin("Ann is allergic to nuts."), talk.pin("味噌")
        assert talk.pins() == [one, two]
        assert talk.unpin(one.id)
        assert not talk.unpin(one.id)
        assert talk.pins() == [two]
        with pytest.raises(BadRequest):
            talk.pin(" ")


def test_pins_are_short_and_few(tmp_path: Path) -> None:
    well, _ = at(tmp_path)
    with well:
        talk = well.conversation("c")
        for n in range(64):
            talk.pin(f"{n} " + "x" * 3990)
        with pytest.raises(BadRequest, match="64 pins"):
            talk.pin("one more")
        assert talk.unpin(talk.pins()[0].id)
        with pytest.raises(BadRequest, match="4,000 characters"):
            talk.pin("x" * 4001)
        talk.pin("x" * 4000)
        assert len(talk.pins()) == 64


LONE = "\ud800"


@pytest.mark.parametrize(
    ("call", "param"),
    [
        *[(lambda talk, n=n: talk.pack("door", n), "max_tokens") for n in (0, -1, 2.5, "9", True, None)],
        *[(lambda talk, n=n: talk.text("door", n), "max_tokens") for n in (0, "9", True)],
        *[(lambda talk, q=q: talk.pack(q, 100), "query") for q in (LONE, None, 7)],
        (lambda talk: talk.text(LONE, 100), "query"),
        *[(lambda talk, m=m: talk.pack("door", 100, model=m), "model") for m in (None, 7, LONE)],
        (lambda talk: talk.text("door", 100, model=None), "model"),
        *[(lambda talk, p=p: talk.unpin(p), "pin_id") for p in (None, 7, LONE)],
        *[(lambda talk, m=m: talk.append(m), "messages") for m in ("Hello?", TALK[0], 7, None)],
        (lambda talk: talk.append(TALK, at_s=True), "at_s"),
        *[(lambda talk, t=t: talk.pin(t), "text") for t in (None, "", LONE, "x" * 4001)],
    ],
)
def test_a_wrong_argument_is_named(tmp_path: Path, call: Callable[[Any], Any], param: str) -> None:
    well, _ = at(tmp_path)
    with well:
        with pytest.raises(BadRequest) as caught:
            call(well.conversation("c"))
        assert (caught.value.param, type(caught.value)) == (param, BadRequest)
        assert well.conversations() == []


# ---- whose it is


def test_tenants_never_meet_and_users_are_told_apart(tmp_path: Path) -> None:
    well, _ = at(tmp_path)
    with well:
        well.conversation("c", tenant="a", user="ann").append(TALK)
        well.conversation("c", tenant="b").append(TALK[:1])
        assert len(well.conversation("c", tenant="b").messages()) == 1
        assert well.conversation("c").messages() == []
        for user in (None, "bob"):
            theirs = well.conversation("c", tenant="a", user=user)
            with pytest.raises(ForeignConversation):
                theirs.messages()
            with pytest.raises(ForeignConversation):
                theirs.append(TALK)
            with pytest.raises(ForeignConversation):
                theirs.pin("I am Ann.")
            with pytest.raises(ForeignConversation):
                theirs.chat("Hello?")
            with pytest.raises(ForeignConversation):
                theirs.erase()
        assert well.conversation("c", tenant="a", user="ann").messages() == TALK


def test_lists_and_erasures_are_by_tenant_and_user(tmp_path: Path) -> None:
    well, _ = at(tmp_path)
    with well:
        for id, user in (("1", "ann"), ("2", "ann"), ("3", "bob")):
            well.conversation(id, tenant="a", user=user).append(TALK)
        assert {(c.name.id, c.name.user, c.n_turns) for c in well.conversations(tenant="a", user="ann")} == {
            ("1", "ann", 4),
            ("2", "ann", 4),
        }
        assert len(well.conversations(tenant="a", limit=1)) == 1
        assert well.conversations() == []
        assert well.conversation("1", tenant="a", user="ann").erase()
        assert not well.conversation("1", tenant="a", user="ann").erase()
        assert well.erase_conversations(tenant="a", user="ann") == 1
        assert well.erase_conversations(tenant="a", id="3") == 1
        assert well.conversations(tenant="a") == []


def test_erased_text_is_not_in_the_file(tmp_path: Path) -> None:
    well, _ = at(tmp_path)
    with well:
        talk = well.conversation("c")
        talk.append(TALK)
        talk.pin("zebras sleep standing")
        assert talk.erase()
    assert not any(b"Porto" in f.read_bytes() or b"zebras" in f.read_bytes() for f in tmp_path.iterdir())


@pytest.mark.parametrize("id", ["", "x" * 257, 7, None, "\ud800"])
def test_what_is_no_name_is_refused(tmp_path: Path, id: Any) -> None:
    well, _ = at(tmp_path)
    with well:
        with pytest.raises(BadRequest):
            well.conversation(id)
        if id is not None:
            with pytest.raises(BadRequest):
                well.chat("Hello?", conversation=id)


def test_the_conversations_own_names_are_not_given_twice(tmp_path: Path) -> None:
    well, fake = at(tmp_path)
    with well:
        for name in ("tenant", "user", "conversation"):
            with pytest.raises(BadRequest) as caught:
                well.conversation("c").chat("Hello?", **{name: "x"})
            assert caught.value.param == name
    assert not fake.requests


# ---- asking within it


def test_each_turn_knows_the_ones_before(tmp_path: Path) -> None:
    well, fake = at(tmp_path, ["One.", "Two."])
    with well:
        talk = well.conversation("c", tenant="a", user="ann")
        first = talk.chat("First?")
        assert (first.text, said(fake)) == ("One.", [("user", "First?")])
        second = talk.chat("Second?")
        assert said(fake) == [("user", "First?"), ("assistant", "One."), ("user", "Second?")]
        assert second.trace.context is not None
        assert second.trace.is_logged is True
        assert [(m["role"], m["content"]) for m in talk.messages()] == [
            ("user", "First?"),
            ("assistant", "One."),
            ("user", "Second?"),
            ("assistant", "Two."),
        ]


def test_a_client_that_sends_all_doubles_nothing(tmp_path: Path) -> None:
    well, fake = at(tmp_path, ["One.", "Two.", "Three."])
    history: list[dict[str, Any]] = [{"role": "system", "content": "Be brief."}]
    with well:
        talk = well.conversation("c")
        for ask in ("First?", "Second?", "Third?"):
            history.append({"role": "user", "content": ask})
            history.append({"role": "assistant", "content": talk.chat(history).text})
        assert said(fake) == [(m["role"], m["content"]) for m in history[:-1]]
        kept = [(m["role"], m["content"]) for m in talk.messages()]
        assert [m for m in kept if m[0] != "system"] == [(m["role"], m["content"]) for m in history[1:]]


def test_streams_are_kept_too(tmp_path: Path) -> None:
    well, fake = at(tmp_path, "one two three")
    with well:
        talk = well.conversation("c")
        with talk.stream("Count.") as stream:
            assert "".join(stream) == "one two three"
        talk.chat("And on?")
        assert said(fake) == [("user", "Count."), ("assistant", "one two three"), ("user", "And on?")]


def test_a_conversation_goes_on_after_a_restart(tmp_path: Path) -> None:
    well, _ = at(tmp_path, "One.")
    with well:
        well.conversation("c").chat("First?")
    well, fake = at(tmp_path, "Two.")
    with well:
        well.conversation("c").chat("Second?")
    assert said(fake) == [("user", "First?"), ("assistant", "One."), ("user", "Second?")]


def test_nothing_comes_back_after_erasure(tmp_path: Path) -> None:
    well, fake = at(tmp_path)
    with well:
        talk = well.conversation("c")
        talk.chat("My name is Ann.")
        assert talk.erase()
        talk.chat("Who am I?")
        assert said(fake) == [("user", "Who am I?")]
        assert len(talk.messages()) == 2


def test_pins_go_with_every_request(tmp_path: Path) -> None:
    well, fake = at(tmp_path)
    with well:
        talk = well.conversation("c")
        pin = talk.pin("Ann is allergic to nuts.")
        talk.chat("What may I eat?")
        assert any("allergic to nuts" in text for _, text in said(fake))
        talk.unpin(pin.id)
        talk.chat("And now?")
        assert not any("allergic to nuts" in text for _, text in said(fake))


async def test_the_async_twins_do_the_same(tmp_path: Path) -> None:
    well, fake = at(tmp_path, ["One.", "Two."])
    async with well:
        talk = well.conversation("c")
        assert (await talk.achat("First?")).text == "One."
        stream = await talk.astream("Second?")
        assert "".join([piece async for piece in stream.text_deltas()]) == "Two."
        assert len(await talk.amessages()) == 4
        assert await talk.aappend(TALK) == 8
        pin = await talk.apin("A fact.")
        assert await talk.apins() == [pin]
        assert await talk.aunpin(pin.id)
        assert [c.name.id for c in await well.aconversations()] == ["c"]
        assert await well.aerase_conversations(id="c") == 1
        assert not await talk.aerase()
    assert len(fake.requests) == 2


# ---- what would be sent


def test_pack_shows_what_fits_and_keeps_nothing(tmp_path: Path) -> None:
    well, fake = at(tmp_path)
    long = [
        {"role": role, "content": f"{role} speaks of topic{i} at length, as one does when one has the time."}
        for i in range(100)
        for role in ("user", "assistant")
    ]
    with well:
        talk = well.conversation("c")
        talk.append([*TALK, *long])
        packed = talk.pack("Where did Ines move to?", 600)
        assert packed.packed.n_tokens <= 600
        assert TALK[0] in packed.messages
        assert 0 < packed.packed.n_recalled < len(packed.messages) < 204
        text = talk.text("Where did Ines move to?", 600)
        assert "Ines moved to Porto" in text
        assert len(talk.messages()) == 204
    assert not fake.requests


GPT: dict[str, Any] = {**CHEAP, "model": "openai/gpt-4o", "window_tokens": 100_000}


def counted(prompt: Any, query: str, model: str) -> int:
    said = (*prompt.messages, {"role": "user", "content": query})
    sent = [decode_message(msgspec.json.encode(m)) for m in said]
    return count_messages(sent, model=model)


def test_what_fits_by_far_is_counted_too(tmp_path: Path) -> None:
    well, _ = at(tmp_path)
    with well:
        talk = well.conversation("c")
        talk.append([{"role": "system", "content": "Be brief."}, *TALK])
        talk.pin("Ann is allergic to nuts.")
        for model in ("gpt-4o", "gpt-4", "fake/x"):
            found = talk.pack("Where?", 5000, model=model)
            assert len(found.messages) == 5
            assert found.packed.n_tokens == counted(found, "Where?", model)
            assert not found.packed.is_bound
            assert found.packed.is_exact == model.startswith("gpt")


def test_the_baselines_model_counts_else_the_dearests(tmp_path: Path) -> None:
    local = {**CHEAP, "model": "openai/gpt-4", "usd_per_1m_input": 20.0}
    for routing, model in (({}, "openai/gpt-4"), ({"baseline_tier": "own"}, "openai/gpt-4o")):
        backends = {"own": FakeTier(), "dear": FakeTier()}
        with Stepwell(tiers={"own": GPT, "dear": local}, backends=backends, routing=routing) as well:
            talk = well.conversation("c")
            talk.append(
                [{"role": "user", "content": "Die Straßenbahn fährt übers Wäldchen, 日本語 и по-русски."}]
            )
            found = talk.pack("Wohin?", 1000)
            assert found.packed.n_tokens == counted(found, "Wohin?", model)
            assert found.packed.is_exact
            assert counted(found, "Wohin?", "gpt-4") != counted(found, "Wohin?", "gpt-4o")


def test_the_text_has_system_prompt_and_pins_and_fits(tmp_path: Path) -> None:
    well, _ = at(tmp_path)
    with well:
        talk = well.conversation("c")
        assert talk.text("Where did Ines move to?", 50) == ""
        talk.append([{"role": "system", "content": "Be brief."}, *TALK * 10])
        talk.pin("Ann is allergic to nuts.")
        for n in range(20, 300, 7):
            text = talk.text("Where did Ines move to?", n, model="gpt-4o")
            head, _, lines = text.partition("\n\n[")
            assert head == "Be brief.\n\nFacts to keep in mind:\n- Ann is allergic to nuts."
            assert count_text(text, "gpt-4o") <= n
        assert "user: My sister Ines moved to Porto" in lines
        with pytest.raises(ContextTooLong, match="system prompt") as caught:
            talk.text("Where?", 5)
        assert caught.value.window_tokens == 5
        assert caught.value.n_tokens > 5


# ---- closed


@pytest.mark.parametrize("is_begun", [True, False])
def test_a_closed_well_says_so(tmp_path: Path, is_begun: bool) -> None:
    well, fake = at(tmp_path)
    talk = well.conversation("c")
    if is_begun:
        talk.append(TALK)
    well.close()
    calls: list[Callable[[], Any]] = [
        talk.messages,
        talk.pins,
        talk.erase,
        well.conversations,
        well.erase_conversations,
        lambda: talk.append(TALK),
        lambda: talk.chat("Hello?"),
        lambda: talk.stream("Hello?"),
        lambda: talk.pack("Hello?", 100),
        lambda: well.chat("Hello?", conversation="c"),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailable, match="the well is closed"):
            call()
    well.close()
    assert not fake.requests


async def test_a_closed_well_says_so_to_async_callers(tmp_path: Path) -> None:
    well, fake = at(tmp_path)
    talk = well.conversation("c")
    await talk.aappend(TALK)
    await well.aclose()
    await well.aclose()
    calls: list[Callable[[], Any]] = [
        talk.amessages,
        well.aconversations,
        lambda: talk.achat("Hello?"),
        lambda: talk.astream("Hello?"),
        lambda: well.achat("Hello?", conversation="c"),
        lambda: well.astream("Hello?", conversation="c"),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailable, match="the well is closed"):
            await call()
    assert not fake.requests
