"""Guarded streams of a whole Stepwell: many at once never mix, and one that is stopped says so."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import httpx
import openai
import pytest

from stepwell import GuardBlocked, StreamBroken
from stepwell.base.messages import Event, decode_chunk, encode_json
from stepwell.base.request import ChatRequest
from stepwell.testing import FakeTier
from tests.house import house, n_in_flight
from tests.support.served import Served

N_STREAMS = 64
CHECKS = ["secrets", "email", "phone", "credit_card", "iban", "us_ssn"]
GUARDS: dict[str, Any] = {"input": [], "output": CHECKS}


def event(delta: dict[str, Any], finish: str | None = None) -> Event:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    payload = encode_json({"id": "x", "model": "fake", "choices": [choice]})
    return Event(payload, decode_chunk(payload))


def answer(n: int, *, is_redacted: bool = False) -> str:
    """What request `n` is told: every word names it, values too."""
    mail = "[EMAIL]" if is_redacted else f"jane.q{n}q@example.org"
    token = "[GITHUB_PAT]" if is_redacted else "ghp_" + f"q{n}q".rjust(36, "A").replace("q", "Q")
    return "".join(f"q{n}q, says {mail} of q{n}q with {token}. " for _ in range(6))


class Talkative(FakeTier):
    """Streams what it is asked for in random pieces, and lets others run in between; some calls break."""

    async def stream(self, request: ChatRequest) -> AsyncGenerator[list[Event], None]:
        n = int(request.messages[-1].text.split()[-1])
        rng, text, at = random.Random(n), answer(n), 0
        breaks_at = len(text) // 2 if n % 8 == 3 else len(text)
        while at < breaks_at:
            size = rng.randint(1, 14)
            part, at = text[at : at + size], at + size
            yield [event({"content": part}), event({"reasoning_content": part})]
            await asyncio.sleep(0 if rng.random() < 0.9 else 0.001)
        if breaks_at < len(text):
            raise StreamBroken("cut", tier="cheap")
        yield [event({}, "stop")]


async def listen(well: Any, n: int) -> tuple[str, str]:
    """What the caller of request `n` is shown before they leave or it breaks: text, and thoughts."""
    said = {"content": "", "reasoning_content": ""}
    stream = await well.astream(f"Tell number {n}")
    n_events = 0
    try:
        async for one in stream:
            n_events += 1
            for name, text in json.loads(one.payload)["choices"][0]["delta"].items():
                if text and name in said:
                    said[name] += text
            if n % 8 == 5 and n_events == 40:
                break
    except StreamBroken:
        assert n % 8 == 3
    finally:
        await stream.aclose()
    return said["content"], said["reasoning_content"]


async def test_sixty_four_streams_with_aborts_and_errors_show_nothing_of_one_another() -> None:
    async with house(Talkative(), guards=GUARDS) as well:
        for _ in range(2):
            told = await asyncio.gather(*(listen(well, n) for n in range(N_STREAMS)))
            for n, texts in enumerate(told):
                expected = answer(n, is_redacted=True)
                for text in texts:
                    assert expected.startswith(text)
                    assert text == expected or n % 8 in (3, 5)
                    assert text
        assert n_in_flight(well) == 0


async def test_a_stopped_stream_ends_with_content_filter_and_then_the_error() -> None:
    guards = {"input": [], "output": [{"check": "email", "action": "block"}]}
    async with house(FakeTier("well then mail a@b.example now"), guards=guards) as well:
        stream = await well.astream("Talk.")
        seen: list[Event] = []
        with pytest.raises(GuardBlocked):
            seen += [one async for one in stream]
        await stream.aclose()
        assert stream.reply is not None
        assert stream.reply.answer.choices[0].finish_reason == "content_filter"


class Goes(FakeTier):
    """Streams what it is given, and goes on behind its own end."""

    def __init__(self, *events: Event) -> None:
        super().__init__("unused")
        self._events = events

    async def stream(self, request: ChatRequest) -> AsyncGenerator[list[Event], None]:
        for one in self._events:
            yield [one]
            await asyncio.sleep(0)


USAGE = encode_json({"id": "x", "model": "fake", "choices": [], "usage": {"total_tokens": 9}})


@pytest.mark.parametrize("between", [Event(USAGE, decode_chunk(USAGE)), event({}, "stop")])
async def test_a_tier_that_goes_on_behind_its_end_leaks_nothing(between: Event) -> None:
    tier = Goes(
        event({"content": "to ann@ex"}), between, event({"content": "ample.org, so"}), event({}, "stop")
    )
    async with house(tier, guards=GUARDS) as well:
        stream = await well.astream("Talk.", stream_options={"include_usage": True})
        seen = [one async for one in stream]
    texts = [c.delta.content or "" for e in seen for c in e.chunk.choices]
    assert "".join(texts) == "to [EMAIL], so"
    assert [e.chunk.usage is not None for e in seen] == [False] * (len(seen) - 1) + [True]
    assert [c.finish_reason for c in seen[-2].chunk.choices] == ["stop"]
    assert stream.reply is not None
    assert stream.reply.text == "to [EMAIL], so"


async def test_fields_beside_the_text_are_read_on_the_way_out() -> None:
    fields = json.loads(event({"content": "so"}).payload) | {"citations": ["by ann@example.org"]}
    payload = encode_json(fields)
    async with house(Goes(Event(payload, decode_chunk(payload)), event({}, "stop")), guards=GUARDS) as well:
        seen = [one async for one in await well.astream("Talk.")]
    assert json.loads(seen[0].payload)["citations"] == ["by [EMAIL]"]


TIERS: dict[str, Any] = {
    "only": {"model": "fake/only", "usd_per_1m_input": 1, "usd_per_1m_output": 2, "window_tokens": 8192}
}
ASK: Any = {"model": "auto", "stream": True, "messages": [{"role": "user", "content": "Talk."}]}


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """A server whose guard stops what its tier says."""
    values: dict[str, Any] = {
        "tiers": TIERS,
        "backends": {"only": FakeTier("well then mail a@b.example now, or so")},
        "cache": {"exact": False, "semantic": "off"},
        "promises": {"min_p_ok": 0},
        "guards": {"input": [], "output": [{"check": "email", "action": "block"}]},
    }
    with Served(values) as server:
        yield f"http://127.0.0.1:{server.port}/v1"


def test_a_reader_of_raw_events_sees_how_it_ended(base_url: str) -> None:
    lines = httpx.post(f"{base_url}/chat/completions", json=ASK, timeout=20).text.split("\n\n")
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line]
    assert events[-1]["error"]["code"] == "content_blocked"
    assert [c["finish_reason"] for c in events[-2]["choices"]] == ["content_filter"]
    assert "a@b" not in "".join(lines)
    assert "data: [DONE]" not in lines


def test_the_official_client_sees_the_finish_and_then_raises(base_url: str) -> None:
    with openai.OpenAI(api_key="unused", base_url=base_url, max_retries=0, timeout=20) as client:
        finishes: list[str | None] = []
        with pytest.raises(openai.APIError, match="blocked"):
            finishes += [c.choices[0].finish_reason for c in client.chat.completions.create(**ASK)]
        chunks = client.chat.completions.create(**ASK)
        while not finishes or finishes[-1] is None:
            finishes.append(next(chunks).choices[0].finish_reason)
        assert finishes[-1] == "content_filter"
        chunks.close()
