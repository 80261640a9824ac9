"""What the gate remembers."""

from __future__ import annotations

from threading import Thread

from hypothesis import given
from hypothesis import strategies as st

from stepwell.memory.cache.gate.evidence import Evidence, Ring


@given(st.integers(1, 20), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 25)), max_size=6))
def test_a_ring_is_the_end_of_the_list(size: int, moves: list[tuple[int, int]]) -> None:
    ring, listed, n = Ring(size, 1), list[float](), 0.0
    for n_added, n_kept in moves:
        for _ in range(n_added):
            n += 1
            ring.add([n])
            listed = [*listed, n][-size:]
        ring.keep_last(n_kept)
        listed = listed[len(listed) - min(len(listed), n_kept) :]

        assert ring.all()[:, 0].tolist() == listed


def test_each_verdict_keeps_its_parts() -> None:
    evidence = Evidence(2, n_verdicts=3, n_requests=3)
    evidence.judged([1.0, 7.0], is_same=True, p_same=0.25, was_hit=False, count=50.0)

    found = evidence.verdicts()
    assert found.rows.tolist() == [[1.0, 7.0]]
    assert (found.is_same[0], found.p_same[0], found.was_hit[0], found.counts[0]) == (1.0, 0.25, 0.0, 50.0)


def test_rows_read_while_others_are_added_are_whole() -> None:
    ring = Ring(64, 8)

    def add() -> None:
        for n in range(20_000):
            ring.add([float(n)] * 8)

    thread = Thread(target=add)
    thread.start()
    torn = 0
    while thread.is_alive():
        rows = ring.all()
        torn += int((rows != rows[:, :1]).any())
    thread.join()
    assert torn == 0
    assert ring.all()[-1, 0] == 19_999
