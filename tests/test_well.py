"""The public face: sync, async, streamed, explained, checked; plug-ins; config errors."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from stepwell import BadRequest, Config, ConfigError, GuardBlocked, Stepwell, StepwellError
from stepwell.testing import FakeTier

TIERS: dict[str, Any] = {
    "cheap": {"model": "fake/cheap", "usd_per_1m_input": 1, "usd_per_1m_output": 2, "quality": 0.95},
    "dear": {"model": "fake/dear", "usd_per_1m_input": 10, "usd_per_1m_output": 20, "quality": 0.98},
}


def house(cheap: FakeTier | None = None, **sections: Any) -> Stepwell:
    backends = {"cheap": cheap or FakeTier("down here"), "dear": FakeTier("up there")}
    return Stepwell(tiers=TIERS, backends=backends, **{"cache": {"semantic": "off"}, **sections})


def test_sync_chat_shows_tier_cost_and_reason() -> None:
    with house() as well:
        reply = well.chat("Why is the sky blue?", max_usd=0.1)
    assert (reply.text, reply.tier) == ("down here", "cheap")
    assert 0 < reply.cost_usd < 0.1
    assert reply.why.startswith("cheap by coldstart")
    assert reply.openai().choices[0].message.content == "down here"


def test_sync_stream_gives_pieces_and_then_the_reply() -> None:
    with house(FakeTier("one two three")) as well:
        with well.stream("Count.") as stream:
            pieces = list(stream)
        assert "".join(pieces) == "one two three"
        assert stream.tier == "cheap"
        assert stream.reply is not None
        assert stream.reply.text == "one two three"


def test_leaving_a_sync_stream_stops_the_upstream() -> None:
    tier = FakeTier(" ".join(["word"] * 10_000))
    with house(tier, guards={"input": [], "output": []}) as well:
        with well.stream("Talk.") as stream:
            next(iter(stream))
        assert tier.n_cancelled == 1


def test_many_threads_may_ask_one_well() -> None:
    answers: list[str] = []
    with house() as well:
        asked = [lambda i=i: answers.append(well.chat(f"Question {i}?").text) for i in range(20)]
        threads = [threading.Thread(target=ask) for ask in asked]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert answers == ["down here"] * 20


def test_closing_ends_the_thread_and_leaves_no_task() -> None:
    before = set(threading.enumerate())  # other tests' wells may still have theirs
    with house() as well:
        well.chat("hello")
        assert "stepwell" in {t.name for t in set(threading.enumerate()) - before}
    assert "stepwell" not in {t.name for t in set(threading.enumerate()) - before}
    house().close()  # never used
    gc.collect()


async def test_async_chat_and_stream() -> None:
    async with house() as well:
        assert (await well.achat([{"role": "user", "content": "hi"}])).text == "down here"
        stream = await well.astream("hello there")
        assert "".join([piece async for piece in stream.text_deltas()]) == "down here"
        assert len(asyncio.all_tasks()) == 1


def test_explain_decides_and_calls_no_tier() -> None:
    tier = FakeTier()
    with house(tier) as well:
        decision = well.explain("Why is the sky blue?")
        pinned = well.explain("Why is the sky blue?", tier="dear")
    assert (decision.tier, pinned.tier, pinned.policy) == ("cheap", "dear", "pinned")
    assert {e.tier for e in decision.estimates} == {"cheap", "dear"}
    assert tier.requests == []


def test_an_explained_request_is_not_counted_as_under_way() -> None:
    with house() as well:
        well.explain("Why?")
        text = well.pipeline.metrics.render().decode()
    assert "stepwell_in_flight 0.0" in text


def test_what_the_caller_asks_reaches_the_router() -> None:
    with house() as well:
        assert well.chat("x", min_tier="dear").tier == "dear"
        assert well.chat("x", model="dear").tier == "dear"
        assert well.chat("please think harder").tier == "dear"


@pytest.mark.parametrize(
    ("asks", "param"),
    [
        ({"max_usd": -1}, "max_usd"),
        ({"max_usd": "1"}, "max_usd"),
        ({"tags": "abc"}, "tags"),
        ({"user": "\ud800"}, None),
        ({"timeout_s": float("nan")}, "timeout_s"),
        ({"below_floor": "maybe"}, "below_floor"),
        ({"temperature": 3}, "temperature"),
        ({"model": "nothing"}, "model"),
        ({"tools": object()}, None),
    ],
)
def test_a_wrong_wish_names_its_field(asks: dict[str, Any], param: str | None) -> None:
    with house() as well, pytest.raises(BadRequest) as caught:
        well.chat("x", **asks)
    assert caught.value.param == param


# ---- configuration


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"promisses": {}}, "promisses: unknown key; did you mean 'promises'?"),
        ({"promises": {"min_p_okay": 0.5}}, "promises.min_p_okay: unknown key; did you mean 'min_p_ok'?"),
        ({"cache": {"ttl": 5}}, "cache.ttl: unknown key; did you mean 'ttl_s'?"),
        ({"tiers": {"a": {"model": "x/y", "base_uri": "u"}}}, "did you mean 'base_url'?"),
        ({"guards": {"input": [{"check": "email", "acton": "block"}]}}, "did you mean 'action'?"),
        (
            {"routing": {"rules": [{"name": "r", "keyword": ["x"], "pin": "local"}]}},
            "did you mean 'keywords'?",
        ),
        ({"promises": {"min_p_ok": 2}}, "promises.min_p_ok: "),
        ({"routing": {"baseline_tier": "gold"}}, "names tier 'gold'"),
        ({"tiers": {}}, "tiers: "),
        ({"guards": {"input": ["no_such_check"]}}, "no_such_check"),
        ({"routing": {"policy": "no_such_policy"}}, "no_such_policy"),
        ({"telemetry": {"sinks": ["nowhere.at_all:x"]}}, "nowhere.at_all:x"),
        ({"tiers": {"a": {"model": "x/y", "kind": "telnet"}}}, "telnet"),
    ],
)
def test_a_config_error_names_key_and_nearest(sections: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Stepwell(**sections)
    assert said in str(caught.value)


def test_a_file_and_arguments_say_the_same(tmp_path: Path) -> None:
    sections = {"tiers": TIERS, "promises": {"min_p_ok": 0.5}, "guards": {"input": ["email"]}}
    path = tmp_path / "stepwell.yaml"
    path.write_text(yaml.safe_dump(sections))
    assert Config.from_yaml(path) == Config.make(sections) == Config(**sections)  # type: ignore[arg-type]
    with Stepwell.from_yaml(path, backends={"cheap": FakeTier("x"), "dear": FakeTier()}) as well:
        assert well.chat("hi").text == "x"


def test_a_config_error_shows_no_value() -> None:
    with pytest.raises(ConfigError) as caught:
        Stepwell(tiers={"a": {"model": "x/y", "max_concurrency": "sk-secret"}})
    assert "sk-secret" not in str(caught.value)


def test_config_and_sections_together_are_refused() -> None:
    with pytest.raises(TypeError):
        Stepwell(Config(), cache={"exact": False})


# ---- plug-ins by dotted path

PLUGGED = """
from stepwell.base.decisions import Finding
from stepwell.testing import FakeTier

records = []

def make_tier(text):
    return FakeTier(text)

def make_sink():
    return records.append

def broken_sink():
    def sink(record):
        raise RuntimeError(record)
    return sink

class Plums:
    name = "plums"
    kinds = ("PLUM",)
    max_len = 4
    def find(self, text):
        at = text.find("plum")
        return [Finding("PLUM", at, at + 4, 1.0, "plums")] if at >= 0 else []
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "orchard.py").write_text(PLUGGED)
    monkeypatch.syspath_prepend(tmp_path)
    yield __import__("orchard")
    del sys.modules["orchard"]


def test_a_tier_a_check_and_a_sink_plug_in(plugin: Any, caplog: pytest.LogCaptureFixture) -> None:
    tier = {**TIERS["cheap"], "kind": "orchard:make_tier", "options": {"text": "a plum tree"}}
    with Stepwell(
        tiers={"cheap": tier},
        guards={"input": [{"check": "orchard:Plums", "action": "block"}], "output": ["orchard:Plums"]},
        telemetry={"sinks": ["orchard:make_sink", "orchard:broken_sink"]},
        cache={"semantic": "off"},
    ) as well:
        reply = well.chat("hello")
        with pytest.raises(GuardBlocked):
            well.chat("plums")
    assert "plum" not in reply.text
    assert [r.status for r in plugin.records] == [200, 400]
    assert [m.getMessage() for m in caplog.records if "sink" in m.getMessage()] == [
        "record sink function failed with RuntimeError and is dropped"
    ]


def test_a_cache_store_plugs_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cellar.py").write_text(
        "from stepwell.memory.sqlite_store import SqliteStore\nmade = []\n"
        "def make():\n    made.append(SqliteStore())\n    return made[0]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with Stepwell(
        cache={"store": "cellar:make", "semantic": "off"}, backends={"local": FakeTier("a")}
    ) as well:
        for _ in range(2):
            reply = well.chat("hello", tier="local")
    import cellar  # type: ignore[import-not-found]

    assert len(cellar.made) == 1
    assert reply.trace.cache is not None
    assert reply.trace.cache.status == "hit"


def test_an_unknown_kind_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="gopher"):
        Stepwell(tiers={"cheap": {**TIERS["cheap"], "kind": "gopher"}})


def test_a_plug_in_with_wrong_options_is_a_config_error(plugin: Any) -> None:
    tier = {**TIERS["cheap"], "kind": "orchard:make_tier", "options": {"txt": "x"}}
    with pytest.raises(ConfigError, match="orchard:make_tier"):
        Stepwell(tiers={"cheap": tier})


# ---- the first look


def test_the_default_well_needs_nothing_and_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with Stepwell() as well:
        lines = {line.subject: line for line in well.check()}
        assert "lacks OPENAI_API_KEY" in lines["tier premium"].detail
        assert lines["promise min_p_ok"].status == "warn"
        with pytest.raises(StepwellError):
            well.chat("Explain the fall of the Roman Empire in depth.", tier="premium")


def test_import_pulls_in_nothing_heavy() -> None:
    heavy = {"litellm", "torch", "openai", "onnxruntime", "faiss", "numpy", "tiktoken", "guardrails"}
    code = f"import sys, stepwell; stepwell.Stepwell; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "value", ["sk-proj-abc123", "sk_live_abc", "gsk_abc", "xai-abc", "AKIA123", "A B", "x" * 65]
)
@pytest.mark.parametrize(
    "where",
    [
        lambda v: {"tiers": {"a": {"model": "x/y", "api_key_env": v}}},
        lambda v: {"server": {"keys": [{"env": v, "tenant": "t"}]}},
        lambda v: {"promises": {"ledger_redis_url_env": v}},
    ],
)
def test_a_key_where_its_name_belongs_is_refused_unshown(where: Any, value: str) -> None:
    with pytest.raises(ConfigError, match="NAME of an environment variable") as caught:
        Config.make(where(value))
    assert value not in str(caught.value)


def test_a_foreign_host_needs_no_key_and_gets_no_providers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-operators")
    foreign = {**TIERS["cheap"], "model": "openai/x", "base_url": "http://127.0.0.1:9"}
    with Stepwell(tiers={"a": foreign, "b": {**foreign, "api_key_env": "OPENAI_API_KEY"}}) as well:
        backends: dict[str, Any] = {n: t.deployments[0].backend for n, t in well.pipeline.tiers.items()}
    assert "authorization" not in backends["a"]._headers
    assert backends["b"]._headers["authorization"] == "Bearer sk-the-operators"
    monkeypatch.delenv("OPENAI_API_KEY")
    with Stepwell(tiers={"a": foreign}) as well:
        assert well.tiers[0].missing_key is None
