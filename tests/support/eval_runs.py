"""Runs of any size, made by script: a journal and the rows that were asked."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stepwell.evals.entries import Entry, Header
from stepwell.evals.suite import Suite

_WORDS = tuple(
    a + b + c
    for a in (
        "ba",
        "co",
        "du",
        "fen",
        "gri",
        "hol",
        "ket",
        "lum",
        "mar",
        "nos",
        "per",
        "quin",
        "ros",
        "tal",
        "vor",
    )
    for b in ("d", "l", "m", "n", "r", "st", "t", "v")
    for c in ("a", "en", "er", "ic", "in", "o", "y")
)
_TAGS = ("sums", "facts", "code", "letters", "plans", "law")
_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Made:
    journal: Path
    suite: Suite


def made_run(
    folder: Path,
    n_rows: int,
    *,
    arms: Sequence[str] = ("cheap", "good"),
    n_repeats: int = 1,
    seed: int = 0,
    answer: Callable[[int, str, int], str] | None = None,
    baseline: str | None = None,
) -> Made:
    """A journal in the order of arrival: later arms are right more often and cost more; 1 in 50 ends as an error."""
    rng = random.Random(seed)
    suite = Suite.parse((_row(rng, n) for n in range(n_rows)), name="made")
    header = Header("made", suite.sha256, n_rows * len(arms) * n_repeats, tuple(arms), baseline=baseline)
    journal = folder / "journal.jsonl"
    with open(journal, "wb") as file:
        file.write(_encode(header) + b"\n")
        for n in range(n_rows):
            for rank, arm in enumerate(arms):
                for repeat in range(n_repeats):
                    text = said(rng, 32) if answer is None else answer(n, arm, repeat)
                    file.write(_encode(_entry(rng, n, arm, rank, repeat, text)) + b"\n")
    return Made(journal, suite)


def said(rng: random.Random, n_words: int) -> str:
    return " ".join(rng.choices(_WORDS, k=n_words))


def _row(rng: random.Random, n: int) -> str:
    row = {"id": f"row-{n}", "prompt": f"Question {n}: {said(rng, 40)}?", "target": said(rng, 3)}
    return _encode({**row, "scorer": "contains", "tags": [rng.choice(_TAGS)]}).decode()


def _entry(rng: random.Random, n: int, arm: str, rank: int, repeat: int, text: str) -> Entry:
    is_error = rng.random() < 0.02
    key = f"{n:032x}{rank:016x}{repeat:016x}"
    return Entry(
        key=key,
        ask=key[:32],
        row=f"row-{n}",
        tier=arm,
        repeat=repeat,
        score=None if is_error else float(rng.random() < 0.55 + 0.12 * rank),
        error="tier_timeout" if is_error else None,
        served=("good" if rng.random() < 0.4 else "cheap") if arm == "auto" and not is_error else None,
        nano_usd=0 if is_error else round(rng.uniform(1, 2) * 20_000 * 6**rank),
        in_tokens=60,
        out_tokens=0 if is_error else 40,
        ms=round(rng.lognormvariate(6, 0.6), 3),
        answer=None if is_error else text,
    )
