"""BLAS gets its threads back, whichever threads search."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from stepwell.memory.context.recall.one_thread import one_thread


def n_threads() -> list[int]:
    assert np.dot([1.0], [1.0]) == 1
    found = ThreadpoolController().select(user_api="blas").lib_controllers
    return [lib.num_threads for lib in found if "numpy" in lib.filepath]


def test_it_is_one_within_and_as_before_after() -> None:
    before = n_threads()
    if not before:
        pytest.skip("numpy has a BLAS here that threadpoolctl does not know")

    def hold(_: int) -> list[int]:
        with one_thread():
            return n_threads()

    with ThreadPoolExecutor(4) as pool:
        assert all(set(seen) == {1} for seen in pool.map(hold, range(40)))
    assert n_threads() == before
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert n_threads() == before
