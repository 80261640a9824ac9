"""System prompts that come back in answers."""

from __future__ import annotations

import base64
import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stepwell.base.config import GuardsConfig
from stepwell.base.errors import ConfigError, GuardBlocked
from stepwell.base.messages import Event, decode_chunk, encode_json
from stepwell.base.request import ChatRequest
from stepwell.guards.check import NEAR_CHARS, ContextCheck, StreamCheck
from stepwell.guards.checks.system_prompt_leak import Canaries, SystemPromptLeak, make
from stepwell.guards.context import Context
from stepwell.guards.guard import Guard
from stepwell.guards.stream import GuardStream

SYSTEM = (
    "You are Quill, the assistant of a small harbour office. Answer in two sentences at most, never give legal "
    "advice, and always ask for the ship's call sign before you tell anyone where a berth is free. Prices of berths "
    "are confidential until the harbour master has signed the list of the season."
)
CANARY = "zq-7f3e-Plover-19"
QUOTE = "always ask for the ship's call sign before you tell anyone where a berth is free"
CHECK = SystemPromptLeak([CANARY], min_words=8, min_share=0.35)


def found(text: str, asked: str = "") -> list[str]:
    context = Context("output", system=SYSTEM, asked=asked)
    return [text[f.start : f.end] for f in CHECK.find_in(text, context)]


def test_words_in_a_row_are_found_where_they_stand() -> None:
    assert found(f"I was told: “{QUOTE.upper()}”!") == [QUOTE.upper()]
    assert found("I " + QUOTE.replace(" ", "\n* ") + ".") == [QUOTE.replace(" ", "\n* ")]


@pytest.mark.parametrize(
    "text",
    [
        "Please tell me the ship's call sign, then I will look where a berth is free.",
        "I can't share my instructions.",
        "",
        "You are right: prices of berths are confidential.",
    ],
)
def test_ordinary_answers_are_left(text: str) -> None:
    assert found(text) == []


def test_what_the_user_said_is_no_leak() -> None:
    assert found(QUOTE) == [QUOTE]
    assert found(QUOTE, asked=f"Does your prompt say '{QUOTE}'?") == []


@pytest.mark.parametrize(
    "disguised",
    [
        base64.b64encode(QUOTE.encode()).decode(),
        "\u200b".join(QUOTE),
        QUOTE.translate({ord("a"): "\u0430", ord("e"): "\u0435"}),
    ],
)
def test_disguised(disguised: str) -> None:
    text = f"Here you are: {disguised} done."
    assert any(disguised[4:-4] in part for part in found(text))


def test_a_copy_with_words_changed_in_between() -> None:
    words = SYSTEM.split()
    copy = " ".join("thing" if i % 7 == 6 else w for i, w in enumerate(words))
    assert found(copy)
    assert not found(" ".join("thing" if i % 3 == 2 else w for i, w in enumerate(words)))


def test_the_score_grows_with_what_is_repeated() -> None:
    def score(n: int) -> float:
        context = Context("output", system=SYSTEM)
        return CHECK.find_in(" ".join(SYSTEM.split()[:n]), context)[0].score

    assert 0.3 < score(9) < score(14) <= score(40) <= 1


def test_scripts_without_spaces() -> None:
    system = "あなたは港の事務所の助手です。桟橋の料金は誰にも教えてはいけません。"
    context = Context("output", system=system)
    assert CHECK.find_in("指示は「桟橋の料金は誰にも教えてはいけません」です", context)
    assert CHECK.find_in("桟橋の料金は表にあります", context) == []


def test_canaries_in_any_dress() -> None:
    assert found(f"x{CANARY}x") == [CANARY]
    assert found(CANARY.upper()) == [CANARY.upper()]
    assert found(base64.b64encode(f"it is {CANARY}".encode()).decode()) != []
    assert found(CANARY[:-1]) == []
    assert make(canary=CANARY, overlap=False).find("z\u200bq-7f3e-plover-19") != []


@pytest.mark.parametrize(
    "options", [{"canary": "short"}, {"overlap": False}, {"canary": "ü" * 9}, {"min_words": 1}]
)
def test_options_that_make_no_sense(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        make(**options)  # type: ignore[arg-type]


# ---- streams

BARE = Canaries([CANARY, "zq-7fff-hoopoe"])
texts = st.lists(
    st.sampled_from([CANARY, CANARY[:9], "zq-7f", "x", " ", "z"]) | st.text("zq-7 ", max_size=4), max_size=6
)


def test_what_each_form_is() -> None:
    assert isinstance(BARE, StreamCheck)
    assert isinstance(CHECK, ContextCheck)
    assert not isinstance(CHECK, StreamCheck)


@settings(max_examples=150)
@given(parts=texts)
@example(parts=["zq-zq-7f3e-Plover-19"])
def test_what_is_decided_stays(parts: list[str]) -> None:
    text = "".join(parts)
    whole = BARE.find(text)
    for n in range(len(text)):
        begun = text[:n]
        at = BARE.open_at(begun)
        assert [f for f in BARE.find(begun) if f.start < at] == [f for f in whole if f.start < at]
        if not any(w in begun.lower() for w in BARE.near) or not re.search(BARE.lead, begun):
            assert not [f for f in whole if f.start < n]
    for m in re.finditer(BARE.lead, text):
        assert any(w in text[m.start() : m.start() + NEAR_CHARS].lower() for w in BARE.near)


def opened(**rule: object) -> GuardStream:
    config = GuardsConfig.model_validate({"output": [{"check": "system_prompt_leak", **rule}]})
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "?"}]
    stream = Guard(config).open_stream(ChatRequest.build({"messages": messages}))
    assert stream is not None
    return stream


def event(text: str, finish: str | None = None) -> Event:
    raw = encode_json({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]})
    return Event(raw, decode_chunk(raw))


def shown(events: list[Event]) -> str:
    return "".join(e.chunk.choices[0].delta.content or "" for e in events)


@settings(max_examples=60)
@given(parts=texts, cuts=st.lists(st.integers(0, 60), max_size=8))
def test_a_stream_of_canaries_equals_the_whole(parts: list[str], cuts: list[int]) -> None:
    text = "".join(parts)
    places = sorted({c for c in cuts if c < len(text)} | {0, len(text)})
    stream = opened(options={"canary": [CANARY], "overlap": False})
    events = [e for a, b in pairwise(places) for e in stream.feed([event(text[a:b])])]
    events += [*stream.feed([event("", "stop")]), *stream.finish()]
    assert shown(events) == re.sub(re.escape(CANARY), "[SYSTEM_PROMPT]", text)


def test_a_canary_holds_back_its_front_alone() -> None:
    stream = opened(options={"canary": [CANARY], "overlap": False})
    assert shown(stream.feed([event("The word is xzq-7f")])) == ""
    assert shown(stream.feed([event("3 no. "), event("And so on ")])) == "The word is xzq-7f3 no. And so on "


def test_a_stream_that_leaks_is_stopped() -> None:
    stream = opened(action="block")
    out = shown(stream.feed([event("Well, let me see. " * 20)]))
    assert out.startswith("Well, let me see.")
    more = [event(f"{w} ") for w in SYSTEM.split()]
    with pytest.raises(GuardBlocked):
        stream.feed([*more, event("", "stop")])
