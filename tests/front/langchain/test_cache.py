"""StepwellCache keeps answers as they were, apart by prompt, parameters and tenant, and nothing else."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, Generation

from stepwell.base.config import CacheConfig
from stepwell.base.errors import ConfigError
from stepwell.front.langchain import StepwellCache

ANSWER = [Generation(text="answer")]
Make = Callable[..., StepwellCache]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[StepwellCache] = []

    def one(*given: Any, **named: Any) -> StepwellCache:
        made.append(StepwellCache(*given, **named))
        return made[-1]

    yield one
    for cache in made:
        cache.close()


def unmarked(hit: Sequence[Generation] | None) -> Sequence[Generation] | None:
    """A hit without the mark that says so."""
    for generation in hit or ():
        if isinstance(generation, ChatGeneration):
            mark = generation.message.response_metadata.pop("stepwell_cache")
            assert mark["status"] == "hit"
    return hit


def chat(**more: Any) -> list[ChatGeneration]:
    return [
        ChatGeneration(message=AIMessage(content="hi", **more), generation_info={"finish_reason": "stop"})
    ]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"usage_metadata": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}},
        {"response_metadata": {"tier": "local", "cost_usd": 0.1}},
        {"additional_kwargs": {"reasoning": "because"}},
    ],
    ids=["plain", "usage", "metadata", "extra"],
)
def test_a_chat_answer_comes_back_as_it_was(make: Make, more: dict[str, Any]) -> None:
    cache = make()
    cache.update("p", "m", chat(**more))
    assert unmarked(cache.lookup("p", "m")) == chat(**more)


def test_a_hit_says_so_and_can_be_reported(make: Make) -> None:
    cache = make()
    cache.update("p", "m", chat())
    hit = cache.lookup("p", "m")
    assert hit is not None
    mark = hit[0].message.response_metadata["stepwell_cache"]  # type: ignore[attr-defined]
    assert mark["status"] == "hit"
    assert mark["age_s"] >= 0
    assert not cache.report_bad("nobody")
    assert cache.report_bad(mark["hit_id"])
    assert cache.lookup("p", "m") is None


CALL = {"name": "add", "args": {"a": 1}, "id": "c1", "type": "tool_call"}


@pytest.mark.parametrize(
    "answer",
    [
        chat(tool_calls=[CALL]),
        [*chat(), *chat(tool_calls=[CALL])],
        [ChatGeneration(message=AIMessage(""))],
        [ChatGeneration(message=AIMessage("hi"), generation_info={"finish_reason": "length"})],
        [ChatGeneration(message=AIMessage("hi", response_metadata={"stop_reason": "max_tokens"}))],
        [ChatGeneration(message=AIMessage("hi", response_metadata={"finish_reason": "SAFETY"}))],
        [Generation(text="x", generation_info={"raw": object()})],
        [],
    ],
    ids=["tools", "tools in one of two", "empty", "length", "max_tokens", "safety", "no json", "nothing"],
)
def test_what_may_not_be_kept_is_not(make: Make, answer: list[Generation]) -> None:
    cache = make()
    cache.update("p", "m", answer)
    assert cache.lookup("p", "m") is None


@pytest.mark.parametrize("reason", ["stop", "STOP", "end_turn"])
def test_an_answer_that_came_to_its_end_is_kept(make: Make, reason: str) -> None:
    cache = make()
    cache.update(
        "p", "m", [ChatGeneration(message=AIMessage("hi", response_metadata={"stop_reason": reason}))]
    )
    assert cache.lookup("p", "m") is not None


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_only_the_same_prompt_and_parameters_hit(a: tuple[str, str], b: tuple[str, str]) -> None:
    cache = StepwellCache()
    try:
        cache.update(*a, ANSWER)
        assert (cache.lookup(*b) == ANSWER) == (a == b)
    finally:
        cache.close()


def test_the_last_write_counts(make: Make) -> None:
    cache = make()
    cache.update("p", "m", [Generation(text="old")])
    cache.update("p", "m", ANSWER)
    assert cache.lookup("p", "m") == ANSWER


def test_a_file_outlives_the_cache_and_holds_no_prompt(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite3"
    first = StepwellCache(str(path))
    first.update("a very secret prompt", "model", ANSWER)
    first.close()
    second = StepwellCache(str(path))
    assert second.lookup("a very secret prompt", "model") == ANSWER
    second.close()
    assert all(b"very secret" not in file.read_bytes() for file in tmp_path.iterdir())


async def test_tenants_are_apart_and_clearing_one_leaves_the_other(tmp_path: Path) -> None:
    path = str(tmp_path / "cache.sqlite3")
    a, b = StepwellCache(path, tenant="a"), StepwellCache(path, tenant="b")
    await a.aupdate("p", "m", ANSWER)
    assert await b.alookup("p", "m") is None
    await b.aupdate("p", "m", ANSWER)
    await a.aclear()
    assert await a.alookup("p", "m") is None
    assert await b.alookup("p", "m") == ANSWER
    a.close()
    b.close()


def test_who_names_no_tenant_is_no_tenant(tmp_path: Path) -> None:
    path = str(tmp_path / "cache.sqlite3")
    nobody, named = StepwellCache(path), StepwellCache(path, tenant="langchain", semantic="off")
    nobody.update("p", "m", ANSWER)
    assert named.lookup("p", "m") is None
    named.clear()
    assert nobody.lookup("p", "m") is not None
    nobody.clear()
    assert nobody.lookup("p", "m") is None
    nobody.close()
    named.close()


def test_an_answer_expires(make: Make) -> None:
    now_s = [1_000.0]
    cache = make(ttl_s=10, clock=lambda: now_s[0])
    cache.update("p", "m", ANSWER)
    assert cache.lookup("p", "m") == ANSWER
    now_s[0] += 11
    assert cache.lookup("p", "m") is None


def test_every_thread_may_ask_at_once(make: Make) -> None:
    cache, found = make(), []

    def ask(i: int) -> None:
        for j in range(20):
            cache.update(f"p{i} {j}", "m", [Generation(text=f"{i} {j}")])
            hit = cache.lookup(f"p{i} {j}", "m")
            found.append(hit is not None and hit[0].text == f"{i} {j}")

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 160


def test_a_text_that_is_no_unicode_is_not_cached(make: Make) -> None:
    cache = make()
    cache.update("\ud800", "m", ANSWER)
    assert cache.lookup("\ud800", "m") is None


def test_a_closed_cache_says_so() -> None:
    cache = StepwellCache()
    cache.close()
    cache.close()
    with pytest.raises(RuntimeError, match="closed"):
        cache.lookup("p", "m")


def test_a_forgotten_cache_leaves_no_thread() -> None:
    cache = StepwellCache()
    cache.update("p", "m", ANSWER)
    thread = cache._loop._thread
    del cache
    gc.collect()
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    "named",
    [
        {"ttl_s": 0},
        {"max_entries": 0},
        {"semantic": "maybe"},
        {"config": CacheConfig(store="x:y")},
        {"max_error": 0},
        {"max_error": 0.5},
        {"max_error": float("nan")},
        {"tenant": "\ud800"},
    ],
)
def test_a_setting_out_of_range_is_refused(named: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="StepwellCache"):
        StepwellCache("some.sqlite3", **named)


def test_a_judge_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError):
        StepwellCache(tenant="acme", judge="nobody")
