"""Held-out examples that training has seen: the same ask, nearly the same, or the same conversation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from stepwell.evals.finetune.data.example import Example
from stepwell.evals.finetune.data.near import near_across, words_of
from stepwell.evals.finetune.data.said import plain_words, said

LeakKind = Literal["same", "near", "group"]
_RANK: dict[LeakKind, int] = {"same": 0, "near": 1, "group": 2}


@dataclass(frozen=True, slots=True)
class Leak:
    """A held-out example, one of training that gives it away, and how."""

    kind: LeakKind
    train_id: str
    held_out_id: str


def leaks(train: Sequence[Example], held_out: Sequence[Example]) -> list[Leak]:
    """For each held-out example that leaked, the plainest leak of it; in their order."""
    pairs = pairs_across(train, held_out)
    worst: dict[int, tuple[int, int, LeakKind]] = {}
    for of_train, of_held, kind in pairs:
        found = (_RANK[kind], of_train, kind)
        worst[of_held] = min(found, worst.get(of_held, found))
    return [Leak(kind, train[t].id, held_out[h].id) for h, (_, t, kind) in sorted(worst.items())]


def pairs_across(train: Sequence[Example], held_out: Sequence[Example]) -> list[tuple[int, int, LeakKind]]:
    """Places of every two that are near; each held-out one with the first that is the same, and of its group."""
    of_train, of_held = [said(e) for e in train], [said(e) for e in held_out]
    plain = [" ".join(plain_words(s)) for s in of_train], [" ".join(plain_words(s)) for s in of_held]
    pairs: list[tuple[int, int, LeakKind]] = [
        (t, h, "near")
        for t, h in near_across([words_of(s) for s in of_train], [words_of(s) for s in of_held])
        if plain[0][t] != plain[1][h]
    ]
    pairs += [(t, h, "same") for t, h in _equal(*plain)]
    groups = [e.group for e in train], [e.group for e in held_out]
    return pairs + [(t, h, "group") for t, h in _equal(*groups)]


def _equal(a: Sequence[str], b: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Each of `b` with the first of `a` that is equal, where it is not empty."""
    first: dict[str, int] = {}
    for at, text in enumerate(a):
        first.setdefault(text, at)
    return ((first[text], at) for at, text in enumerate(b) if text and text in first)
