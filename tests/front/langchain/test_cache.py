"""StepwellCache keeps answers as they were, apart by prompt, parameters and tenant, and nothing else."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, Generation

from stepwell.front.langchain import StepwellCache

ANSWER = [Generation(text="answer")]


def chat(**more: Any) -> list[ChatGeneration]:
    return [
        ChatGeneration(message=AIMessage(content="hi", **more), generation_info={"finish_reason": "stop"})
    ]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"tool_calls": [{"name": "add", "args": {"a": 1}, "id": "c1", "type": "tool_call"}]},
        {"usage_metadata": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}},
        {"response_metadata": {"tier": "local", "cost_usd": 0.1}},
    ],
    ids=["plain", "tool call", "usage", "metadata"],
)
def test_a_chat_answer_comes_back_as_it_was(more: dict[str, Any]) -> None:
    cache = StepwellCache()
    cache.update("p", "m", chat(**more))
    assert cache.lookup("p", "m") == chat(**more)


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_only_the_same_prompt_and_parameters_hit(a: tuple[str, str], b: tuple[str, str]) -> None:
    cache = StepwellCache()
    try:
        cache.update(*a, ANSWER)
        assert (cache.lookup(*b) == ANSWER) == (a == b)
    finally:
        cache.close()


def test_the_last_write_counts() -> None:
    cache = StepwellCache()
    cache.update("p", "m", [Generation(text="old")])
    cache.update("p", "m", ANSWER)
    assert cache.lookup("p", "m") == ANSWER


def test_what_cannot_be_written_is_not_cached() -> None:
    cache = StepwellCache()
    cache.update("p", "m", [Generation(text="x", generation_info={"raw": object()})])
    assert cache.lookup("p", "m") is None


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


def test_an_answer_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = StepwellCache(ttl_s=10)
    cache.update("p", "m", ANSWER)
    assert cache.lookup("p", "m") == ANSWER
    later_s = time.time() + 11
    monkeypatch.setattr("time.time", lambda: later_s)
    assert cache.lookup("p", "m") is None
