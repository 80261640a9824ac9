"""Feedback through a well: from a reply to an outcome."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepwell import BadRequest, ConfigError, Stepwell
from stepwell.base.decisions import Attempt, CacheDecision
from stepwell.base.errors import UnknownReply
from stepwell.base.reply import Reply
from stepwell.base.request import Caller, ChatRequest
from stepwell.router.outcome_notes import Note, note_of
from stepwell.testing import FakeTier
from tests.house import house

ASK = "<system-reminder>be brief</system-reminder> What is the capital of France?"
REQUEST = ChatRequest.build({"messages": [{"role": "user", "content": ASK}]}, Caller("acme"))


def well_of(path: Path, **more: Any) -> Stepwell:
    return house(FakeTier("Paris."), FakeTier("Paris!"), feedback={"path": str(path), **more})


def remembered(well: Stepwell, reply: Reply) -> Note:
    note = note_of(REQUEST, reply)
    assert note is not None
    assert well.outcomes is not None
    well.outcomes.remember(note)
    return note


async def test_a_reply_and_its_score_are_an_outcome(tmp_path: Path) -> None:
    async with well_of(tmp_path / "o.db", keep_prompts=True) as well:
        reply = await well.pipeline.complete(REQUEST)
        note = remembered(well, reply)
        assert await well.afeedback(reply.trace.request_id, 0.75, tenant="acme") == "cheap"
        assert well.outcomes is not None
        (row,) = well.outcomes.rows()
    assert row["prompt"] == "What is the capital of France?"
    assert row["scores"] == {"cheap": 0.75}
    assert row["cost_usd"] == {"cheap": reply.cost_usd}
    assert row["out_tokens"] == {"cheap": reply.usage.completion_tokens}
    assert row["p_ok"] == {"cheap": note.p_ok}
    assert note.p_ok is not None


def test_sync_feedback_outlives_the_well(tmp_path: Path) -> None:
    with well_of(tmp_path / "o.db") as well:
        reply = well.chat("Why?", tenant="acme")
        remembered(well, reply)
        assert well.feedback(reply.answer.id, 1, tenant="acme") == "cheap"
        with pytest.raises(UnknownReply):
            well.feedback(reply.answer.id, 1)
        with pytest.raises(BadRequest) as caught:
            well.feedback(reply.answer.id, 1, tenant="acme", tier="gold")
        assert caught.value.param == "tier"
    with well_of(tmp_path / "o.db") as again:
        assert again.outcomes is not None
        assert [row["scores"] for row in again.outcomes.rows()] == [{"cheap": 1.0}]
        assert again.feedback(reply.trace.request_id, 0, tenant="acme") == "cheap"


async def test_without_a_path_none_is_taken() -> None:
    async with house(FakeTier("ok")) as well:
        assert well.outcomes is None
        with pytest.raises(ConfigError, match=r"feedback\.path"):
            await well.afeedback("a", 1)


async def test_what_other_tries_cost_is_not_the_tiers_own(tmp_path: Path) -> None:
    async with well_of(tmp_path / "o.db") as well:
        reply = await well.pipeline.complete(REQUEST)
    reply.trace.attempts.insert(0, Attempt("cheap", "d", "timeout", 1.0))
    note = note_of(REQUEST, reply)
    assert note is not None
    assert (note.cost_usd, note.out_tokens) == (None, None)


async def test_a_cached_answer_can_be_scored_but_not_anothers(tmp_path: Path) -> None:
    async with well_of(tmp_path / "o.db") as well:
        reply = await well.pipeline.complete(REQUEST)
    reply.trace.cache = CacheDecision("hit")
    note = note_of(REQUEST, reply)
    assert note is not None
    assert (note.cost_usd, note.out_tokens) == (None, reply.usage.completion_tokens)
    reply.trace.cache = CacheDecision("semantic_hit")
    assert note_of(REQUEST, reply) is None
