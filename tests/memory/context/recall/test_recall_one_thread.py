"""BLAS gets its threads back, however blocks overlap."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
from threadpoolctl import ThreadpoolController, threadpool_limits

from stepwell.memory.context.recall.one_thread import one_thread


def n_threads() -> list[int]:
    return [lib.num_threads for lib in ThreadpoolController().select(user_api="blas").lib_controllers]


def test_overlapping_blocks_hold_it_to_one_and_give_it_back() -> None:
    assert np.dot([1.0], [1.0]) == 1
    with threadpool_limits(2, user_api="blas"):
        before = n_threads()
        entered, left = Barrier(3), Barrier(3)

        def hold(n: int) -> list[int]:
            with one_thread():
                entered.wait(10)
                seen = n_threads()
            left.wait(10)
            return seen

        with ThreadPoolExecutor(3) as pool:
            assert all(set(seen) == {1} for seen in pool.map(hold, range(3)))
        assert n_threads() == before
