"""Blocks made from sentence frames of our own: where grammar or one slot decides whether the answer is the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from stepwell.evals.cache import frame_people as people
from stepwell.evals.cache import frame_slots, frame_ways
from stepwell.evals.cache.frame_parts import Frame


@dataclass(frozen=True, slots=True)
class Block:
    """Prompts around one question.

    Attributes:
        same: The question in several wordings: one answer does for all of them.
        other: Near in wording, but in need of another answer than any of `same`.
    """

    same: tuple[str, ...]
    other: tuple[str, ...]
    domain: str


_FRAMES: tuple[Frame, ...] = (
    people.deed,
    people.present_deed,
    people.thing_done,
    people.mutual,
    people.one_way,
    frame_ways.comparison,
    frame_ways.told_apart,
    frame_ways.opposite_trait,
    frame_ways.not_trait,
    frame_ways.alike_trait,
    people.trade,
    people.two_trades,
    people.nation,
    people.life,
    frame_ways.order,
    frame_ways.allowed,
    people.who_is_meant,
    people.whose,
    people.opinion,
    frame_ways.pet,
    frame_ways.idle_story,
    frame_ways.telling_story,
    frame_ways.beast,
    frame_slots.trip,
    frame_slots.amount,
    frame_slots.slots,
)
FRAMES = {frame.__name__: frame for frame in _FRAMES}


def framed_blocks(*, seed: int, per_frame: int = 60) -> Iterator[Block]:
    """Fill each frame `per_frame` times."""
    for name, frame in FRAMES.items():
        rng = random.Random(f"{seed} {name}")
        for _ in range(per_frame):
            same, other = frame(rng)
            same = list(dict.fromkeys(same))
            yield Block(tuple(same), tuple(o for o in dict.fromkeys(other) if o not in same), f"frame:{name}")
