"""Long conversations through the whole house: what each tier gets, and which tier it is."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from stepwell import Stepwell
from stepwell.base.embedding import RequestVector
from stepwell.base.errors import ConfigError, ContextTooLong, StepwellError, TierUnavailable
from stepwell.base.messages import Answer, Choice, Message, Usage
from stepwell.base.request import ChatRequest
from stepwell.base.tokens import count_messages
from stepwell.memory.context.log.log import Name
from stepwell.testing import FakeTier
from tests.house import CHEAP, DEAR, NO_CACHE, QUICK, records_of

SYSTEM = {"role": "system", "content": "You are a gardener's helper."}
FACT = "My greenhouse code is 7741, and the key hangs behind the blue watering can."
ASK = "Which code opens the greenhouse?"


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def filler(n: int) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []
    for i in range(n):
        said.append(
            user(f"Day {n}-{i}: the tomatoes of row {i} grew by {i % 7} centimetres, and it rained a little.")
        )
        said.append(
            {"role": "assistant", "content": f"Noted, row {n}-{i}: water it less, and look at the leaves."}
        )
    return said


def long_talk(n: int = 120) -> list[dict[str, Any]]:
    told = [user(FACT), {"role": "assistant", "content": "I will remember that."}]
    return [SYSTEM, *filler(10), *told, *filler(n)]


def house(
    cheap: FakeTier, dear: FakeTier, *, small: int = 1500, wide: int = 100_000, **more: Any
) -> Stepwell:
    sections: dict[str, Any] = {
        "tiers": {
            "cheap": {**CHEAP, "quality": 0.9, "window_tokens": small},
            "dear": {**DEAR, "window_tokens": wide},
        },
        "cache": NO_CACHE,
        "guards": {"input": [], "output": []},
        "dispatch": QUICK,
        "promises": {"min_p_ok": 0.3, "min_recall": 0.5},
        "context": {"reserve_tokens": 100},
    }
    return Stepwell(backends={"cheap": cheap, "dear": dear}, **{**sections, **more})


def got(tier: FakeTier) -> ChatRequest:
    return tier.requests[-1]


async def test_without_an_id_long_messages_are_packed_for_the_tier_and_the_old_fact_is_found() -> None:
    cheap, dear = FakeTier("7741"), FakeTier("7741")
    sent = [*long_talk(), user(ASK)]
    async with house(cheap, dear) as well:
        reply = await well.achat(sent, tier="cheap")
    kept = [m.text for m in got(cheap).messages]
    assert kept[0] == SYSTEM["content"]
    assert kept[-1] == ASK
    assert FACT in kept
    assert count_messages(got(cheap).messages, model="openai/gpt-4.1") <= 1400
    everything = [m["content"] for m in sent]
    assert [everything.index(text) for text in kept] == sorted(everything.index(text) for text in kept)
    context = reply.trace.context
    assert context is not None
    assert (context.n_dropped, context.n_tokens <= 1400) == (len(sent) - len(kept), True)
    assert [everything[i] for i in context.kept] == kept


async def test_a_wider_window_gets_all_of_it_on_the_same_request() -> None:
    cheap, dear = FakeTier(TierUnavailable("gone", tier="cheap")), FakeTier("7741")
    sent = [*long_talk(), user(ASK)]
    async with house(cheap, dear) as well:
        reply = await well.achat(sent, min_tier="cheap")
    assert reply.tier == "dear"
    assert len(got(cheap).messages) < len(sent)
    assert [m.text for m in got(dear).messages] == [m["content"] for m in sent]


async def test_where_packing_would_forget_too_much_the_wider_window_is_taken_and_says_so() -> None:
    cheap, dear = FakeTier("x"), FakeTier("x")
    sent = [*long_talk(), user("Summarise how every row of tomatoes has been doing, day by day.")]
    async with house(cheap, dear, promises={"min_p_ok": 0.3, "min_recall": 0.9}) as well:
        reply = await well.achat(sent)
        assert reply.tier == "dear"
        assert "cheap would keep" in reply.why
    async with house(cheap, dear, promises={"min_p_ok": 0.3, "min_recall": 0}) as well:
        assert (await well.achat(sent)).tier == "cheap"


async def test_what_must_stay_and_fits_nowhere_is_a_typed_error_that_names_the_part() -> None:
    cheap, dear = FakeTier("x"), FakeTier("x")
    async with house(cheap, dear, wide=3000) as well:
        with pytest.raises(ContextTooLong, match="the last turn") as caught:
            await well.achat([SYSTEM, user("word " * 5000)])
    assert caught.value.n_tokens > 5000
    assert not cheap.requests
    assert not dear.requests


async def test_a_cap_on_the_prompt_holds_however_wide_the_window(tmp_path: Path) -> None:
    dear = FakeTier("x")
    async with house(FakeTier("x"), dear, context={"max_prompt_tokens": 800}) as well:
        await well.achat([*long_talk(), user(ASK)], tier="dear")
    assert FACT in [m.text for m in got(dear).messages]
    assert count_messages(got(dear).messages, model="openai/gpt-4.1") <= 800


# ---- conversations


async def test_a_named_conversation_needs_only_the_new_message_each_time(tmp_path: Path) -> None:
    cheap = FakeTier(["I will remember that.", "Nice.", "7741"])
    context = {"path": str(tmp_path / "talks.db"), "reserve_tokens": 100}
    async with house(cheap, FakeTier("x"), context=context) as well:
        first = await well.achat([SYSTEM, user(FACT)], tier="cheap", conversation="c", tenant="t")
        assert first.trace.is_logged
        await well.achat("The roses bloom.", tier="cheap", conversation="c", tenant="t")
    async with house(cheap, FakeTier("x"), context=context) as well:
        await well.achat(ASK, tier="cheap", conversation="c", tenant="t")
        await well.achat(ASK, tier="cheap", conversation="c", tenant="other")
    assert [(m.role, m.text) for m in cheap.requests[2].messages] == [
        ("system", SYSTEM["content"]),
        ("user", FACT),
        ("assistant", "I will remember that."),
        ("user", "The roses bloom."),
        ("assistant", "Nice."),
        ("user", ASK),
    ]
    assert [m.text for m in cheap.requests[3].messages] == [ASK]


async def test_a_long_conversation_is_packed_into_a_small_window_and_nothing_is_destroyed(
    tmp_path: Path,
) -> None:
    cheap = FakeTier("Noted.")
    async with house(cheap, FakeTier("x"), small=1200) as well:
        talk = well.conversation("c")
        await talk.aappend(long_talk())
        reply = await talk.achat(ASK, tier="cheap")
        texts = [m.text for m in got(cheap).messages]
        assert FACT in texts
        assert count_messages(got(cheap).messages, model="openai/gpt-4.1") <= 1100
        assert reply.trace.context is not None
        assert reply.trace.context.n_dropped > 200
        assert len(await talk.amessages()) == len(long_talk()) + 2


async def test_a_client_that_sends_all_each_time_doubles_nothing() -> None:
    cheap = FakeTier(["a1", "a2", "a3"])
    sent: list[dict[str, Any]] = [SYSTEM]
    async with house(cheap, FakeTier("x")) as well:
        for n in range(3):
            sent.append(user(f"question {n}"))
            reply = await well.achat(sent, tier="cheap", conversation="c")
            sent.append({"role": "assistant", "content": reply.text})
        logged = await well.conversation("c").amessages()
    assert [(m["role"], m["content"]) for m in logged] == [(m["role"], m["content"]) for m in sent]
    assert [len(r.messages) for r in cheap.requests] == [2, 4, 6]


async def test_what_failed_leaves_nothing_and_can_be_tried_again() -> None:
    cheap = FakeTier([TierUnavailable("gone", tier="cheap")] * 3 + ["yes"])
    async with house(cheap, FakeTier("x"), dispatch={**QUICK, "max_retries": 2}) as well:
        talk = well.conversation("c")
        with pytest.raises(Exception, match="tries failed"):
            await talk.achat("Are you there?", tier="cheap")
        assert await talk.amessages() == []
        assert (await talk.achat("Are you there?", tier="cheap")).text == "yes"
        assert len(await talk.amessages()) == 2


async def test_a_stream_is_logged_before_its_end_is_out() -> None:
    async with house(FakeTier("one two three"), FakeTier("x")) as well:
        talk = well.conversation("c")
        async for _ in (await talk.astream("Count.", tier="cheap")).text_deltas():
            pass
        assert [m["content"] for m in await talk.amessages()] == ["Count.", "one two three"]


async def test_pins_go_with_every_request_and_the_latest_system_prompt_is_in_force() -> None:
    cheap = FakeTier("ok")
    async with house(cheap, FakeTier("x")) as well:
        talk = well.conversation("c")
        await talk.achat([SYSTEM, user("Hi")], tier="cheap")
        await talk.apin("Allergic to nettles.")
        await talk.achat("What shall I plant?", tier="cheap")
        assert [m.role for m in got(cheap).messages] == ["system", "user", "assistant", "user"]
        assert got(cheap).messages[0].text.startswith(str(SYSTEM["content"]))
        assert "Allergic to nettles." in got(cheap).messages[0].text
        await talk.achat([{"role": "system", "content": "Be short."}, user("And now?")], tier="cheap")
        await talk.achat("Go on.", tier="cheap")
        assert got(cheap).messages[0].text.startswith("Be short.\n\nFacts")
        assert sum(m.role == "system" for m in got(cheap).messages) == 1


async def test_the_provider_corrects_the_counts() -> None:
    def counts_more(request: ChatRequest) -> Answer:
        n = count_messages(request.messages, model="openai/gpt-4.1")
        usage = Usage(int(1.5 * n), 5, int(1.5 * n) + 5)
        return Answer([Choice(Message("assistant", "ok"), finish_reason="stop")], usage=usage)

    cheap = FakeTier(counts_more)
    async with house(cheap, FakeTier("x")) as well:
        for n in range(3):
            await well.achat([*long_talk(100 + n), user(ASK)], tier="cheap")
    first, _, third = (count_messages(r.messages, model="openai/gpt-4.1") for r in cheap.requests)
    assert first > 1000
    assert 1.5 * third <= 1400


async def test_the_same_question_after_another_history_is_not_served_from_the_cache() -> None:
    cheap = FakeTier(["Noted a.", "Noted b.", "one", "two"])
    async with house(cheap, FakeTier("x"), cache={"semantic": "off"}) as well:
        for name, code in (("a", "11"), ("b", "22")):
            await well.achat(f"The code is {code}.", tier="cheap", conversation=name, temperature=0)
        answers = [
            (await well.achat("Which code?", tier="cheap", conversation=name, temperature=0)).text
            for name in ("a", "b")
        ]
    assert answers == ["one", "two"]


async def test_what_only_answers_carry_is_kept_in_the_log_and_not_sent_back() -> None:
    cheap = FakeTier("ok")
    odd = {"role": "assistant", "content": "b", "reasoning_content": "hm", "refusal": None, "x": 1}
    async with house(cheap, FakeTier("x")) as well:
        talk = well.conversation("c")
        await talk.aappend([user("a"), odd])
        await talk.achat("c", tier="cheap")
        assert (await talk.amessages())[1] == odd
    raws = [bytes(raw) for raw in got(cheap).raw_messages()]
    assert raws[1] == b'{"content":"b","role":"assistant","x":1}'


async def test_what_was_heard_of_a_stopped_stream_is_kept_and_nothing_of_a_broken_one() -> None:
    error = TierUnavailable("broke", tier="cheap")
    tiers = [FakeTier("one two three four"), FakeTier("one two three", break_after=2, broken=error)]
    for tier, kept in zip(tiers, (["Count.", "one two"], []), strict=True):
        async with house(tier, FakeTier("x")) as well:
            talk = well.conversation("c")
            stream = await talk.astream("Count.", tier="cheap")
            heard = []
            with contextlib.suppress(StepwellError):
                async with contextlib.aclosing(stream.text_deltas()) as pieces:
                    async for piece in pieces:
                        heard.append(piece)
                        if len(heard) == 2 and kept:
                            break
            assert [m["content"] for m in await talk.amessages()] == kept


async def test_a_deployments_own_system_prompt_and_a_schema_take_room_too() -> None:
    async def sent(**more: Any) -> int:
        cheap = FakeTier("{}")
        tiers = {
            "cheap": {
                **CHEAP,
                "window_tokens": 1500,
                "capabilities": ["json_schema"],
                **more.pop("tier", {}),
            },
            "dear": DEAR,
        }
        async with house(cheap, FakeTier("x"), tiers=tiers) as well:
            await well.achat([*long_talk(), user(ASK)], tier="cheap", **more)
        return count_messages(got(cheap).messages, model="openai/gpt-4.1")

    plain = await sent()
    assert plain > 900
    assert await sent(tier={"system_prompt": "word " * 500}) < plain - 450
    schema = {"name": "s", "schema": {"description": "word " * 500}}
    assert await sent(response_format={"type": "json_schema", "json_schema": schema}) < plain - 450


async def test_metrics_and_records_say_what_packing_did() -> None:
    async with house(FakeTier("ok"), FakeTier("x"), promises={"min_p_ok": 0.3, "min_recall": 0}) as well:
        records = records_of(well)
        talk = well.conversation("c")
        await talk.aappend(long_talk())
        for _ in range(2):
            await talk.achat(ASK, tier="cheap")
        lines = dict(
            line.rsplit(" ", 1)
            for line in well.pipeline.metrics.render().decode().splitlines()
            if line[0] != "#"
        )
    assert float(lines["stepwell_context_packed_total"]) == 2
    assert float(lines["stepwell_context_dropped_messages_total"]) > 400
    assert (
        0
        < float(lines["stepwell_context_same_tokens_total"])
        < float(lines["stepwell_context_conversation_tokens_total"])
    )
    assert records[0].context is not None
    assert records[0].context.n_dropped > 200
    assert records[0].is_logged


async def test_check_says_where_conversations_are_kept(tmp_path: Path) -> None:
    async def said(**context: Any) -> dict[str, str]:
        async with house(FakeTier("x"), FakeTier("x"), context=context) as well:
            return {line.subject: line.detail for line in await well.acheck()}

    assert "in memory" in (await said())["conversations"]
    assert "over restarts" in (await said(path=str(tmp_path / "t.db")))["conversations"]
    assert "stepwell eval context" in (await said())["promise min_recall"]
    assert "is refused" in (await said(fit=False))["promise min_recall"]


def test_a_wrong_log_is_an_error_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "foreign.db").write_bytes(b"not a database, but long enough to look at " * 10)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"path": str(tmp_path / "foreign.db")}, "foreign.db"),
        ({"redis_url_env": "NO_SUCH_REDIS"}, "NO_SUCH_REDIS"),
        ({"summary": "tier:nobody"}, "nobody"),
        ({"path": "a", "redis_url_env": "B"}, "not both"),
    ]
    for context, names in wrong:
        with pytest.raises(ConfigError, match=names):
            house(FakeTier("x"), FakeTier("x"), context=context)


async def test_a_provider_that_counts_less_than_we_do_is_never_a_reason_to_refuse() -> None:
    cheap = FakeTier("Noted. " * 30)
    async with house(cheap, FakeTier("x"), small=2000) as well:
        talk = well.conversation("c")
        for n in range(40):
            await talk.achat(
                f"Row {n} of the tomatoes grew, and the one beside it did not. " * 5, tier="cheap"
            )
    assert len(cheap.requests) == 40


async def test_with_fitting_off_nothing_is_left_out_of_a_conversation() -> None:
    cheap = FakeTier("ok")
    async with house(cheap, FakeTier("x"), context={"fit": False, "reserve_tokens": 100}) as well:
        talk = well.conversation("c")
        await talk.achat("Hello.", tier="cheap")
        await talk.achat("And now?", tier="cheap")
        assert len(got(cheap).messages) == 3
        await talk.aappend(long_talk())
        with pytest.raises(ContextTooLong, match="fit is off"):
            await talk.achat(ASK, tier="cheap")


async def test_photos_that_cost_less_than_counted_do_not_widen_the_window_for_text() -> None:
    def honest(request: ChatRequest) -> Answer:
        n = 50 if isinstance(request.messages[-1].content, list) else 900
        return Answer([Choice(Message("assistant", "ok"), finish_reason="stop")], usage=Usage(n, 1, n + 1))

    cheap = FakeTier(honest)
    photo = [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]
    tiers = {"cheap": {**CHEAP, "window_tokens": 9000, "capabilities": ["images"]}, "dear": DEAR}
    async with house(cheap, FakeTier("x"), tiers=tiers) as well:
        for n in range(10):
            await well.achat([*long_talk(300 + n), {"role": "user", "content": photo}], tier="cheap")
        await well.achat([*long_talk(700), user(ASK)], tier="cheap")
    assert count_messages(got(cheap).messages, model="openai/gpt-4.1") <= 8900


async def test_where_all_fits_dollars_hang_on_a_count_and_not_on_a_bound() -> None:
    dear = FakeTier("ok")
    async with house(FakeTier("x"), dear) as well:
        talk = well.conversation("c")
        await talk.aappend(long_talk(100))
        n = count_messages([Message(m["role"], m["content"]) for m in long_talk(100)], model="")
        reply = await talk.achat(ASK, tier="dear", max_usd=1.3 * n * 10e-6, max_tokens=10)
    assert reply.trace.route is not None
    assert reply.trace.route.n_input_tokens < 1.1 * n


async def test_a_blocked_held_message_is_left_out_with_its_exchange_and_pins_are_guarded() -> None:
    cheap = FakeTier("ok")
    guards = {"input": ["email", {"check": "iban", "action": "block"}], "output": []}
    async with house(cheap, FakeTier("x"), guards=guards) as well:
        talk = well.conversation("c")
        await talk.aappend(
            [
                user("My account is DE89370400440532013000."),
                {"role": "assistant", "content": "I see."},
                user("Write to alice@corp.com."),
                {"role": "assistant", "content": "I did."},
            ]
        )
        await talk.apin("The boss is bob@corp.com")
        await talk.achat("And now?", tier="cheap")
    texts = [m.text for m in got(cheap).messages]
    assert len(texts) == 4
    assert "bob@" not in texts[0]
    assert texts[1] == "Write to [EMAIL]."
    assert texts[2:] == ["I did.", "And now?"]


async def test_an_answer_is_guarded_before_it_goes_to_another_tier() -> None:
    cheap, dear = FakeTier("Ask carol@corp.com."), FakeTier("ok")
    async with house(cheap, dear, guards={"input": ["email", "ip_address"], "output": []}) as well:
        talk = well.conversation("c")
        await talk.achat("Whom?", tier="cheap")
        reply = await talk.achat("Thanks. I am at 83.12.7.90.", tier="dear")
        assert reply.trace.guard_input is not None
        assert {*reply.trace.guard_input.kinds} == {"EMAIL", "IP_ADDRESS"}
        assert (await talk.amessages())[1]["content"] == "Ask carol@corp.com."
    assert [m.text for m in got(dear).messages] == [
        "Whom?",
        "Ask [EMAIL].",
        "Thanks. I am at [IP_ADDRESS].",
    ]


async def test_an_answer_within_a_conversation_is_nobody_elses() -> None:
    cheap = FakeTier(["Noted.", "Noted.", "one", "two"])
    async with house(cheap, FakeTier("x"), cache={"semantic": "off"}) as well:
        for name in ("a", "b"):
            reply = await well.achat("The code is 11.", tier="cheap", conversation=name, temperature=0)
        assert reply.trace.cache is not None
        assert reply.trace.cache.is_hit  # nothing was said before
        for name in ("a", "b"):
            reply = await well.achat("Which?", tier="cheap", conversation=name, temperature=0)
            assert reply.trace.cache is not None
            assert reply.trace.cache.status == "bypass"


async def test_explain_leaves_the_conversation_as_it_is() -> None:
    async with house(FakeTier("ok"), FakeTier("x")) as well:
        talk = well.conversation("c")
        await talk.aappend(long_talk())
        await well.aexplain(ASK, tier="cheap", conversation="c")
        assert well.pipeline.conversations is not None
        assert (await well.pipeline.conversations.open(Name("c"))).packed is None
        assert len(await talk.amessages()) == len(long_talk())


async def test_a_call_that_was_never_answered_is_not_sent_again() -> None:
    call = {"id": "z", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    cheap = FakeTier("ok")
    async with house(cheap, FakeTier("x")) as well:
        talk = well.conversation("c")
        await talk.aappend([user("a"), {"role": "assistant", "content": None, "tool_calls": [call]}])
        await talk.achat("never mind", tier="cheap")
    assert [m.text for m in got(cheap).messages] == ["a", "never mind"]


async def test_a_text_tier_may_answer_where_its_part_of_a_talk_holds_no_image() -> None:
    photo = [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]
    cheap, dear = FakeTier("ok"), FakeTier("ok")
    tiers = {
        "cheap": {**CHEAP, "quality": 0.9, "window_tokens": 1500},
        "dear": {**DEAR, "capabilities": ["images"], "window_tokens": 100_000},
    }
    async with house(cheap, dear, tiers=tiers, promises={"min_p_ok": 0.3, "min_recall": 0}) as well:
        talk = well.conversation("c")
        seen: list[dict[str, Any]] = [
            {"role": "user", "content": photo},
            {"role": "assistant", "content": "A cat."},
        ]
        await talk.aappend([*seen, *long_talk()])
        reply = await talk.achat(ASK)
    assert reply.tier == "cheap"


async def test_a_reply_that_leaves_no_room_is_named() -> None:
    tiers = {"dear": {**DEAR, "window_tokens": 8192, "max_output_tokens": 10_000}, "cheap": CHEAP}
    async with house(FakeTier("x"), FakeTier("x"), tiers=tiers) as well:
        with pytest.raises(ContextTooLong, match="reply") as caught:
            await well.achat(ASK, max_tokens=8185, tier="dear")
        assert "0 tokens" not in str(caught.value)
        with pytest.raises(ContextTooLong, match="reply") as caught:
            await well.achat(ASK, max_tokens=9000, tier="dear")
        assert " 0 tokens" not in str(caught.value)


async def test_a_tier_summarizes_behind_the_requests_and_its_tenant_pays() -> None:
    cheap, dear = FakeTier("Noted."), FakeTier("The gardener tends tomatoes, and the code is 7741.")
    context = {"summary": "tier:dear", "summary_batch_tokens": 500, "max_prompt_tokens": 3000}
    async with house(cheap, dear, wide=8192, context=context) as well:
        records = records_of(well)
        talk = well.conversation("c", tenant="acme", user="ann")
        await talk.aappend(long_talk(200))
        await talk.achat("Hello.", tier="cheap")
        assert well.pipeline.conversations is not None
        await well.pipeline.conversations.drain()
        past = await talk.apast()
        await talk.achat("And now?", tier="cheap")
    assert past.summary is not None
    assert past.summary.by == "tier:dear"
    assert {r.tenant for r in records if r.tier == "dear"} == {"acme"}
    assert "7741" in " ".join(m.text for m in got(cheap).messages)


async def test_a_system_message_within_a_history_that_is_sent_whole_stays_where_it_is() -> None:
    note = {"role": "system", "content": "The user opened page 7."}
    cheap = FakeTier([f"a{n}" for n in range(4)])
    async with house(cheap, FakeTier("x")) as well:
        sent: list[dict[str, Any]] = [SYSTEM]
        for n in range(4):
            sent += [note, user(f"q{n}")] if n == 2 else [user(f"q{n}")]
            reply = await well.achat(sent, tier="cheap", conversation="c")
            sent.append({"role": "assistant", "content": reply.text})
        assert len(await well.conversation("c").amessages()) == len(sent)
    assert [(m.role, m.text) for m in got(cheap).messages] == [(m["role"], m["content"]) for m in sent[:-1]]


async def test_a_short_conversation_is_not_embedded_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    async def get(self: RequestVector, timeout_s: float) -> None:
        asked.append(timeout_s)

    monkeypatch.setattr(RequestVector, "get", get)
    async with house(FakeTier("ok"), FakeTier("x")) as well:
        talk = well.conversation("c")
        for text in ("Hello.", "How are you?"):
            await talk.achat(text, tier="cheap")
        assert not asked
        await talk.aappend(long_talk())
        await talk.achat(ASK, tier="cheap")
        assert asked
