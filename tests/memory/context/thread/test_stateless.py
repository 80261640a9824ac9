from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from stepwell.base.messages import Message
from stepwell.memory.context.recall.marks import mark_of_query
from stepwell.memory.context.thread.stateless import Threads

MARK = mark_of_query(np.full(384, 384**-0.5, dtype=np.float32), None)
TALK = [Message("user" if i % 2 == 0 else "assistant", f"This is turn {i}.") for i in range(9)]


def places_read(monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """Every message that some thread takes in from now on."""
    from stepwell.memory.context.thread.thread import Thread

    read: list[Message] = []
    add = Thread.add

    def counted(self: Thread, message: Message, *, at_s: float = 0.0, mark: bytes = b"") -> int:
        read.append(message)
        return add(self, message, at_s=at_s, mark=mark)

    monkeypatch.setattr(Thread, "add", counted)
    return read


def test_the_next_request_reads_only_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    threads, read = Threads(), places_read(monkeypatch)
    with threads.get(TALK[:5], tenant="a") as first:
        assert first.messages(range(5)) == TALK[:5]
    with threads.get(TALK[:7], tenant="a") as second:
        assert second.messages(range(7)) == TALK[:7]
    with threads.get(TALK[:7], tenant="a") as again:  # the same request once more
        assert len(again) == 7
    assert read == TALK[:7]
    assert first is second is again
    assert len(threads) == 1


def test_a_branch_gets_a_thread_of_its_own() -> None:
    threads = Threads()
    with threads.get(TALK[:5]) as first:
        pass
    other = [*TALK[:4], Message("user", "Something else.")]
    with threads.get(other) as branch:
        assert branch.messages(range(5)) == other
    with threads.get(TALK[:3]) as shorter:
        assert shorter.messages(range(len(shorter))) == TALK[:3]
    assert first.messages(range(len(first))) == TALK[:5]
    assert len(threads) == 3


def test_two_at_once_never_share_a_thread() -> None:
    threads = Threads()
    with threads.get(TALK[:5]):
        pass
    with threads.get(TALK[:6]) as one, threads.get(TALK[:7]) as two:
        assert one is not two
        assert (len(one), len(two)) == (6, 7)


def test_what_was_embedded_is_known_in_a_branch() -> None:
    threads = Threads()
    with threads.get(TALK[:5]) as first:
        for place in first.unmarked(10):
            first.set_mark(place, MARK)
    first.add(TALK[5])
    with threads.get([*TALK[:2], Message("user", "Something else."), *TALK[2:4]]) as branch:
        assert branch.unmarked(10) == [2]


@pytest.mark.parametrize(
    "caller", [{"tenant": "b", "user": "u"}, {"tenant": "a", "user": "v"}, {"tenant": "au", "user": ""}, {}]
)
def test_tenants_and_users_share_nothing(caller: dict[str, str]) -> None:
    threads = Threads()
    with threads.get(TALK[:5], tenant="a", user="u") as first:
        for place in first.unmarked(10):
            first.set_mark(place, MARK)
    with threads.get(TALK[:6], **caller) as other:
        assert other is not first
        assert len(other.unmarked(10)) == 6


def test_only_so_many_are_kept() -> None:
    threads = Threads(max_threads=2)
    made = []
    for i in range(3):
        with threads.get([Message("user", f"Talk {i}")]) as thread:
            made.append(thread)
    assert len(threads) == 2
    with threads.get([Message("user", "Talk 2")]) as newest:
        assert newest is made[2]
    with threads.get([Message("user", "Talk 0")]) as oldest:
        assert oldest is not made[0]


def test_only_so_much_memory_is_taken() -> None:
    threads = Threads(max_bytes=300_000)
    for i in range(10):
        with threads.get([Message("user", f"{i} " * 25_000)]):
            pass
    assert 0 < len(threads) < 7
    assert 0 < threads.n_bytes <= 300_000
    with threads.get([Message("user", "x" * 400_000)]):
        pass
    assert (len(threads), threads.n_bytes) == (0, 0)
    with threads.get(TALK):
        pass
    threads.clear()
    assert (len(threads), threads.n_bytes) == (0, 0)


def test_only_so_many_marks_are_kept() -> None:
    threads = Threads(max_marks=2)
    with threads.get(TALK[:3]) as first:
        for place in range(3):
            first.set_mark(place, MARK)
    with threads.get([Message("user", "New."), *TALK[:3]]) as other:
        assert other.unmarked(10) == [0, 1]


def test_a_thread_outlives_a_failure() -> None:
    threads = Threads()
    with pytest.raises(ZeroDivisionError):
        with threads.get(TALK[:3]) as first:
            raise ZeroDivisionError
    with threads.get(TALK[:4]) as second:
        assert second is first


def test_no_messages_are_no_thread_to_keep() -> None:
    threads = Threads()
    with threads.get([]) as empty:
        assert len(empty) == 0
    assert len(threads) == 0


def test_many_at_once_each_get_their_own_messages() -> None:
    threads = Threads(max_threads=8)

    def one(i: int) -> bool:
        wanted = [*TALK[: 1 + i % 7], Message("user", f"{i % 3}")]
        with threads.get(wanted, tenant=str(i % 2)) as thread:
            return thread.messages(range(len(thread))) == wanted

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(400)))
    assert len(threads) <= 8
