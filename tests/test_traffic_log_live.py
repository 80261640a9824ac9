"""The decision log of a whole house: a line a request, and no word where none is kept."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepwell import Stepwell
from stepwell.base.errors import ConfigError, StepwellError, TierUnavailable
from stepwell.router.features import read_ask
from stepwell.router.traits import TRAITS_HASH, traits
from stepwell.testing import FakeTier
from stepwell.traffic_line import Logged
from tests.house import CHEAP, DEAR, NO_CACHE, house
from tests.support.client import post
from tests.support.served import Served

ASK = "What is the capital of Hungary, and why?"
_decode = msgspec.json.Decoder(Logged).decode


def lines(path: Path) -> list[Logged]:
    return [_decode(line) for line in path.read_bytes().splitlines()]


def well_of(path: Path, *fakes: FakeTier, keep: str = "features", **more: Any) -> Stepwell:
    traffic = {"path": str(path), "keep": keep, **more.pop("traffic", {})}
    return house(*(fakes or (FakeTier("Budapest"), FakeTier("dear"))), traffic=traffic, **more)


async def test_a_line_says_what_was_decided_and_what_it_cost(tmp_path: Path) -> None:
    async with well_of(tmp_path / "t.jsonl") as well:
        reply = await well.achat(ASK, tenant="quaggas", max_tokens=50)
        async for _ in await well.astream(ASK):
            pass
    first, second = lines(tmp_path / "t.jsonl")
    assert (first.id, first.tier, first.served, first.model) == (
        reply.trace.request_id,
        "cheap",
        "cheap",
        "fake/cheap",
    )
    assert first.cost_usd == reply.cost_usd
    assert (first.in_tokens, first.out_tokens) == (reply.usage.prompt_tokens, reply.usage.completion_tokens)
    assert set(first.p_ok) == set(first.expected_usd) == {"cheap", "dear"}
    assert first.states == {"cheap": "chosen", "dear": "fallback"}
    assert (first.is_decided, first.is_whole, first.needs.max_tokens) == (True, True, 50)
    assert first.tenant not in ("", "quaggas")
    assert (second.served, second.status, second.ttft_ms is not None) == ("cheap", 200, True)


async def test_features_are_those_that_a_policy_reads_and_no_text(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    async with well_of(path) as well:
        await well.achat(ASK)
    (line,) = lines(path)
    assert line.traits_hash == TRAITS_HASH
    assert np.array_equal(np.frombuffer(line.traits, "<f4"), traits(read_ask(ASK)))
    assert (line.messages, line.answer) == ((), None)
    assert b"Hungary" not in path.read_bytes()


async def test_masked_text_is_kept_without_its_values(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    async with well_of(path, FakeTier("Write to her: jo@quagga.example"), FakeTier(), keep="masked") as well:
        await well.achat("Is jo@quagga.example hers? Her card is 4111 1111 1111 1111.")
    (line,) = lines(path)
    assert line.is_masked
    assert line.messages == ({"role": "user", "content": "Is [EMAIL] hers? Her card is [CREDIT_CARD]."},)
    assert line.answer == "Write to her: [EMAIL]"


async def test_none_keeps_neither(tmp_path: Path) -> None:
    async with well_of(tmp_path / "t.jsonl", keep="none") as well:
        await well.achat(ASK)
    (line,) = lines(tmp_path / "t.jsonl")
    assert (line.traits, line.vector, line.messages) == (b"", b"", ())
    assert line.tier == "cheap"


async def test_pins_failures_and_hits_are_told_apart(tmp_path: Path) -> None:
    down = TierUnavailable("down", tier="cheap")
    cache = {"exact": True, "semantic": "off"}
    async with well_of(tmp_path / "t.jsonl", FakeTier([down, "a"]), FakeTier("b"), cache=cache) as well:
        await well.achat(ASK)
        await well.achat(ASK)
        await well.achat("Pinned?", tier="dear")
        with pytest.raises(StepwellError):
            await well.achat("?", tier="nowhere")
    fell, hit, pinned, failed = lines(tmp_path / "t.jsonl")
    assert (fell.tier, fell.served, fell.is_whole, fell.is_decided) == ("cheap", "dear", False, True)
    assert (hit.cache, hit.is_decided, hit.cost_usd) == ("hit", False, 0.0)
    assert (pinned.policy, pinned.is_decided, pinned.served) == ("pinned", False, "dear")
    assert (failed.served, failed.error != "", failed.status >= 400) == ("", True, True)


async def test_exploring_leaves_its_odds_and_the_policys_own_choice(tmp_path: Path) -> None:
    feedback = {"path": str(tmp_path / "o.db"), "explore_share": 0.2}
    async with well_of(tmp_path / "t.jsonl", feedback=feedback) as well:
        for i in range(60):
            await well.achat(f"What is the capital of country {i}?")
    logged = lines(tmp_path / "t.jsonl")
    explored = [line for line in logged if line.is_explored]
    assert 3 <= len(explored) <= 25
    assert {(line.tier, line.own, line.chosen) for line in explored} == {("dear", "cheap", "cheap")}
    assert all(line.propensity == {"cheap": 0.8, "dear": 0.2} for line in logged)


async def test_a_share_is_the_same_requests_again(tmp_path: Path) -> None:
    async with well_of(tmp_path / "t.jsonl", traffic={"share": 0.3}) as well:
        for i in range(120):
            await well.achat(f"Say {i}")
    assert 15 <= len(lines(tmp_path / "t.jsonl")) <= 60


async def test_the_file_is_its_owners_and_stays_within_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    async with well_of(path, traffic={"max_bytes": 10_000, "n_files": 2}) as well:
        for i in range(60):
            await well.achat(f"Say {i}")
            if i % 5 == 0:
                while well.pipeline.traffic is not None and well.pipeline.traffic._lines._jobs.qsize():
                    pass
    files = sorted(n for n in os.listdir(tmp_path) if not n.endswith(".lock"))
    assert files == ["t.jsonl", "t.jsonl.1", "t.jsonl.2"]
    for name in files:
        assert os.stat(tmp_path / name).st_size <= 10_000
        assert stat.S_IMODE(os.stat(tmp_path / name).st_mode) == 0o600
        assert lines(tmp_path / name)


async def test_a_full_disk_loses_lines_and_no_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with well_of(tmp_path / "t.jsonl") as well:
        monkeypatch.setattr(
            "stepwell.base.line_writer.os.write", lambda *_: (_ for _ in ()).throw(OSError(28, "full"))
        )
        assert (await well.achat(ASK)).text == "Budapest"
        log = well.pipeline.traffic
        assert log is not None
        log.close()
        assert log.n_lost == 1
        monkeypatch.undo()


async def test_over_http_the_log_names_the_request_that_the_caller_sees(tmp_path: Path) -> None:
    fake = {"kind": "stepwell.testing:FakeTier", "options": {"reply": "Budapest"}}
    values = {
        "tiers": {"cheap": {**CHEAP, **fake}, "dear": {**DEAR, **fake}},
        "traffic": {"path": str(tmp_path / "t.jsonl"), "keep": "masked"},
        "cache": NO_CACHE,
    }
    body = {"model": "auto", "messages": [{"role": "user", "content": "Write to jo@quagga.example"}]}
    with Served(values) as served:
        url = served.url
        whole, stream = await post(url, body), await post(url, {**body, "stream": True})
        refused = await post(url, {"messages": 3})
    assert (whole.status, stream.status, refused.status) == (200, 200, 400)
    logged = lines(tmp_path / "t.jsonl")
    assert [line.id for line in logged] == [whole.headers["x-request-id"], stream.headers["x-request-id"]]
    assert {line.answer for line in logged} == {"Budapest"}
    assert "quagga" not in str(logged)


@pytest.mark.parametrize(
    "traffic", [{"path": "/proc/nowhere/t.jsonl"}, {"keep": "masked", "checks": ["no_such"]}]
)
def test_what_can_not_be_written_shows_at_the_start(tmp_path: Path, traffic: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        house(FakeTier(), traffic={"path": str(tmp_path / "t.jsonl"), **traffic}).pipeline  # noqa: B018


VALUES = st.one_of(
    st.from_regex(r"[a-z]{3,10}\.[a-z]{3,10}@[a-z]{4,12}\.(com|org|net)", fullmatch=True),
    st.sampled_from(["4111 1111 1111 1111", "5500005555555559", "DE89370400440532013000", "+1 415 555 0132"]),
    st.from_regex(r"sk-proj-[A-Za-z0-9]{40}", fullmatch=True),
    st.from_regex(r"ghp_[A-Za-z0-9]{36}", fullmatch=True),
)
ORDINARY = ["please", "write", "to", "this", "about", "my", "order", "then", "call", "back"]
WORDS = st.lists(st.sampled_from(ORDINARY), max_size=8)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=VALUES,
    before=WORDS,
    after=WORDS,
    place=st.sampled_from(["user", "answer", "system", "tool", "name"]),
)
async def test_a_masked_log_holds_no_planted_value(
    tmp_path_factory: pytest.TempPathFactory, value: str, before: list[str], after: list[str], place: str
) -> None:
    path = tmp_path_factory.mktemp("t") / "t.jsonl"
    said = " ".join([*before, value, *after])
    arguments = msgspec.json.encode({"to": said}).decode()
    call = {"id": value, "type": "function", "function": {"name": "f", "arguments": arguments}}
    said_at: dict[str, list[dict[str, Any]]] = {
        "user": [{"role": "user", "content": [{"type": "text", "text": said}]}],
        "answer": [{"role": "user", "content": "And?"}],
        "system": [{"role": "system", "content": said}, {"role": "user", "content": "And?"}],
        "tool": [
            {"role": "user", "content": "And?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": value, "content": said},
        ],
        "name": [{"role": "user", "name": value.replace(" ", ""), "content": "And?"}],
    }
    async with well_of(
        path, FakeTier(said if place == "answer" else "ok"), FakeTier(), keep="masked"
    ) as well:
        await well.achat(said_at[place], tenant=value, user=value)
    raw = path.read_text()
    assert value not in raw
    assert value.replace(" ", "") not in raw
    (line,) = lines(path)
    assert line.is_masked
