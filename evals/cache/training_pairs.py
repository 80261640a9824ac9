"""The pairs that a verifier learns from: all of them free to ship what was learned."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

import msgspec

from stepwell.evals.cache.edits import edited_pairs
from stepwell.evals.cache.frames import Block, framed_blocks

SEED = 20261121
_CHOSEN_DOMAINS = ("frame:slots", "frame:amount", "frame:trip")  # frames whose slots the edits know


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """Two prompts and whether one answer does for both.

    Attributes:
        family: "written", "grammar", "cross" (of two blocks), "edit" or "frame".
        group: Pairs of one group share prompts: they stay on one side of every split.
    """

    a: str
    b: str
    same: bool
    family: str
    group: int


class _Written(msgspec.Struct):
    domain: str
    base: str
    same: list[str]
    other: list[str]


def written_blocks() -> list[Block]:
    """The shipped blocks of `evals/suites/written_pairs.jsonl.gz`."""
    raw = resources.files("stepwell.evals.suites").joinpath("written_pairs.jsonl.gz").read_bytes()
    rows = msgspec.json.Decoder(_Written).decode_lines(gzip.decompress(raw))
    return [Block((row.base, *row.same), tuple(row.other), row.domain) for row in rows]


def training_pairs(
    sentences: Sequence[str], *, n_blocks: int | None = None, per_frame: int = 60
) -> list[TrainingPair]:
    """All pairs but those across blocks, which need vectors: see `cross_pairs`.

    Args:
        sentences: Prompts of other sources to edit, besides our own.
        n_blocks: Only the first so many written blocks, for a quick look.
    """
    written = written_blocks()[:n_blocks]
    frames = list(framed_blocks(seed=SEED, per_frame=per_frame))
    made: list[TrainingPair] = []
    for i, block in enumerate(written):
        made += _of_block(block, "grammar" if block.domain == "grammar" else "written", i)
    for i, block in enumerate(frames, start=len(written)):
        made += _of_block(block, "frame", i)
    own = {text: i for i, block in enumerate(written) for text in (*block.same[:2], *block.other[:1])}
    slots = {b.same[0]: i for i, b in enumerate(frames, start=len(written)) if b.domain in _CHOSEN_DOMAINS}
    rest = {text: i for i, text in enumerate(sentences, start=len(written) + len(frames))}
    groups = {**rest, **slots, **own}
    for text, group in groups.items():
        made += [
            TrainingPair(pair.cached_query, pair.query, pair.same, "edit", group)
            for pair in edited_pairs([text], seed=SEED)
        ]
    return made


def _of_block(block: Block, family: str, group: int) -> Iterator[TrainingPair]:
    for i, a in enumerate(block.same):
        yield from (TrainingPair(a, b, True, family, group) for b in block.same[i + 1 :])
        yield from (TrainingPair(a, b, False, family, group) for b in block.other)


def cross_texts(n_blocks: int | None = None) -> list[tuple[str, int]]:
    """Prompts to look for neighbours of in other blocks, each with its block."""
    return [
        (text, i)
        for i, block in enumerate(written_blocks()[:n_blocks])
        for text in (*block.same[:3], *block.other[:1])
    ]


def cross_pairs(texts: Sequence[tuple[str, int]], ranked: Iterable[Sequence[int]]) -> list[TrainingPair]:
    """Prompts of different blocks: no two blocks ask for the same.

    Args:
        ranked: For each text the places of its nearest others, nearest first; at least 60 each where there are.
    """
    rng = random.Random(SEED)
    made = []
    for (text, block), near in zip(texts, ranked, strict=True):
        others = [i for i in near if texts[i][1] != block]
        if len(others) < 10:
            continue
        for i in (others[0], rng.choice(others[1:6]), rng.choice(others[6:60]), rng.randrange(len(texts))):
            if texts[i][1] != block:
                made.append(TrainingPair(text, texts[i][0], False, "cross", block))
    return made
