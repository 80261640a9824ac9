"""Conversations in memory: the latest, as many as go in, and one of each."""

from __future__ import annotations

import gc
from weakref import ref

import msgspec

from stepwell.memory.context.held import Held
from stepwell.memory.context.log.log import Name, Past, Turn
from stepwell.memory.context.talk import Talk

GONE: list[str] = []


def make(*, max_talks: int = 100, max_bytes: int = 1 << 30) -> Held:
    GONE.clear()
    return Held(max_talks=max_talks, max_bytes=max_bytes, let_go=lambda talk: GONE.append(talk.name.id))


def grown(held: Held, id: str, n_bytes: int = 0) -> Talk:
    talk = held.get(Name(id))
    raw = msgspec.json.encode({"role": "user", "content": "a", "x": "y" * n_bytes})
    talk.take(Past(1, talk.n_turns + 1, (Turn(talk.n_turns, raw, 1.0),)), lambda kept: kept)
    held.weigh(talk)
    return talk


def test_the_one_that_was_silent_the_longest_goes() -> None:
    held = make(max_talks=2)
    for id in "abac":
        grown(held, id)
    assert (len(held), GONE) == (2, ["b"])


def test_what_goes_in_is_measured_in_bytes_too_and_again_when_it_grows() -> None:
    held = make(max_bytes=100_000)
    grown(held, "a", 30_000)
    grown(held, "b", 30_000)
    assert (len(held), GONE) == (2, [])
    grown(held, "b", 30_000)
    grown(held, "b", 30_000)
    assert (len(held), GONE) == (1, ["a"])
    assert 90_000 < held.n_bytes < 100_000


def test_one_that_is_too_large_alone_goes_alone() -> None:
    held = make(max_bytes=100_000)
    grown(held, "a", 30_000)
    grown(held, "b", 200_000)
    assert GONE == ["b"]
    assert 30_000 < held.n_bytes < 40_000


def test_one_that_is_in_use_is_found_again_and_goes_with_its_last_user() -> None:
    held = make(max_talks=1)
    talk = grown(held, "a")
    grown(held, "b")
    assert GONE == ["a"]
    assert held.get(Name("a")) is talk
    grown(held, "b")
    last = ref(talk)
    del talk
    gc.collect()
    assert last() is None
    assert held.find(Name("a")) is None


def test_what_was_erased_is_not_found_again_though_it_is_in_use() -> None:
    held = make()
    talk = grown(held, "a")
    held.forget(talk)
    other = held.get(Name("a"))
    assert other is not talk
    held.forget(talk)  # that it is forgotten again is no harm to the other
    assert held.get(Name("a")) is other
    assert (len(held), held.n_bytes, {*held.names()}) == (1, 0, {Name("a")})
