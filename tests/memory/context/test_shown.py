"""What is shown of a conversation is what would be sent of it."""

from __future__ import annotations

import json

import msgspec

from stepwell.base.config.context import ContextConfig
from stepwell.memory.context.log.log import Name, Past, Summary, Turn
from stepwell.memory.context.packing.packed import Room
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.shown import prompt
from stepwell.memory.context.talk import Talk

GIST = "They spoke of many topics."


def talk(upto: int) -> Talk:
    """Three system prompts, then 40 exchanges; the summary covers the first `upto` turns."""
    roles = ["system"] * 3 + ["user", "assistant"] * 40
    said = [
        {"role": role, "content": f"Topic {i}: this and that, at length."} for i, role in enumerate(roles)
    ]
    turns = tuple(Turn(i, json.dumps(m).encode(), 0.0) for i, m in enumerate(said))
    past = Past(1, len(turns), turns, (), Summary(GIST, upto, "extract"))
    made = Talk(Name("c", "", ""))
    made.take(past, lambda mark: mark)
    return made


def shown(upto: int) -> list[str]:
    config = ContextConfig()
    found, packed = prompt(talk(upto), Query("Topic 70?"), Room(600, "gpt-4o"), config)
    assert len(packed.kept) < packed.n_places
    return [msgspec.json.decode(raw)["content"] for raw in found]


def test_a_summary_is_of_turns_with_the_system_prompts_among_them() -> None:
    assert any(GIST in text for text in shown(43))
    assert not any(GIST in text for text in shown(3))
