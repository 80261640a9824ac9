"""Which judge the config names, what a user's own may do, and what a tier is asked."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.errors import ConfigError
from stepwell.memory.cache.judge.judge import AnswersJudge, Case, OwnJudge, TierJudge, make_judge
from stepwell.memory.cache.judge.tier import prompt_for

CASE = Case("How much is it?", "It is 5 euros.", "It is 6 euros.")


async def reply_same(prompt: str) -> str:
    return "SAME"


def test_the_config_names_the_judge() -> None:
    assert make_judge("off") is None
    assert isinstance(make_judge("answers"), AnswersJudge)
    assert isinstance(make_judge("tier:local", ask=reply_same), TierJudge)


@pytest.mark.parametrize(
    "spec", ["tier:", "tier:local", "nobody", "math:pi", "no.module:x", "decimal:Decimal"]
)
def test_what_cannot_judge_is_refused(spec: str) -> None:
    with pytest.raises(ConfigError, match=r"judge|load"):
        make_judge(spec)


async def test_a_function_of_the_users_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    import operator

    def agrees(query: str, fresh: str, cached: str) -> bool:
        return fresh == cached

    monkeypatch.setattr(operator, "agrees", agrees, raising=False)
    judge = make_judge("operator:agrees")
    assert judge is not None
    assert await judge.same(CASE) is False


async def test_an_object_with_the_method_of_a_judge_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    import operator

    class Always:
        async def same(self, case: Case) -> bool | None:
            return case == CASE

    monkeypatch.setattr(operator, "always", Always(), raising=False)
    judge = make_judge("operator:always")
    assert judge is not None
    assert await judge.same(CASE) is True


def sync_true(query: str, fresh: str, cached: str) -> bool:
    return True


async def async_true(query: str, fresh: str, cached: str) -> bool:
    await asyncio.sleep(0)
    return True


class Callee:
    async def __call__(self, query: str, fresh: str, cached: str) -> bool:
        return True


@pytest.mark.parametrize("fn", [sync_true, async_true, Callee(), lambda *texts: async_true(*texts)])
async def test_plain_and_async_functions_are_asked(fn: Callable[..., Any]) -> None:
    assert await OwnJudge(fn).same(CASE) is True


async def test_a_plain_function_does_not_hold_the_event_loop() -> None:
    def where(*texts: str) -> bool:
        return threading.current_thread() is not threading.main_thread()

    assert await OwnJudge(where).same(CASE) is True


@pytest.mark.parametrize("value", ["yes", 1, 0.9, [True]])
async def test_only_a_bool_is_a_verdict(value: object, caplog: pytest.LogCaptureFixture) -> None:
    assert await OwnJudge(lambda *texts: value).same(CASE) is None
    assert type(value).__name__ in caplog.text


async def test_a_fault_is_logged_by_its_type_alone(caplog: pytest.LogCaptureFixture) -> None:
    def fails(query: str, fresh: str, cached: str) -> bool:
        raise KeyError(fresh)

    with caplog.at_level(logging.WARNING):
        assert await OwnJudge(fails).same(CASE) is None
    assert "KeyError" in caplog.text
    assert "euros" not in caplog.text


async def test_a_stuck_function_is_given_up_and_not_piled_up() -> None:
    release, calls = threading.Event(), []

    def stuck(*texts: str) -> bool:
        calls.append(1)
        release.wait(20)
        return True

    judge = OwnJudge(stuck, timeout_s=0.01, max_stuck=2)
    assert [await judge.same(CASE) for _ in range(5)] == [None] * 5
    assert len(calls) == 2
    release.set()
    patient = OwnJudge(stuck, timeout_s=20)
    assert await patient.same(CASE) is True


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("SAME", True),
        ("DIFFERENT", False),
        (" SAME.\n", True),
        ("UNSURE", None),
        ("", None),
        ("same", None),
        ("SAME, because both say 5", None),
        ("The answer is DIFFERENT", None),
        ("SAME\nDIFFERENT", None),
    ],
)
async def test_a_tiers_reply_is_read_strictly(reply: str, verdict: bool | None) -> None:
    async def ask(prompt: str) -> str:
        return reply

    assert await TierJudge(ask).same(CASE) is verdict


async def test_what_is_too_long_is_not_sent() -> None:
    async def ask(prompt: str) -> str:
        raise AssertionError("was asked")

    assert await TierJudge(ask, max_chars=10).same(CASE) is None


@given(st.text(), st.text(), st.text())
def test_no_text_breaks_out_of_its_string(query: str, fresh: str, cached: str) -> None:
    before, after = prompt_for(Case("\x00", "\x00", "\x00")).split(json.dumps({"question": "\x00"})[:-1], 1)
    prompt = prompt_for(Case(query, fresh, cached))
    assert prompt.startswith(before)
    texts, end = json.JSONDecoder().raw_decode(prompt, len(before))
    assert texts == {"question": query, "old": cached, "new": fresh}
    assert prompt[end:] == after[after.index("}") + 1 :]
