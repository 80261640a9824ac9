"""Long suites lie on disk, and read as they were."""

from __future__ import annotations

import gc
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.shelf import Shelf, shelved
from stepwell.evals.suite import Suite

Item = tuple[str, dict[str, object]]
texts = st.text(max_size=9)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def put(items: list[Item]) -> Shelf[Item]:
    return Shelf(items, lambda item: item, lambda text, more: (text, more))


@given(
    st.lists(st.tuples(texts, st.dictionaries(texts, values, max_size=3)), max_size=200), st.integers(1, 99)
)
def test_reads_as_it_was(items: list[Item], step: int) -> None:
    shelf = put(items)
    assert list(shelf) == items
    assert [shelf[n] for n in reversed(range(len(items)))] == items[::-1]
    assert shelf[1::step] == tuple(items[1::step])
    assert len(shelf) == len(items)
    assert shelf == put(items)


def test_two_passes_do_not_disturb_each_other() -> None:
    items: list[Item] = [(str(n), {}) for n in range(500)]
    shelf = put(items)
    assert list(zip(shelf, shelf, strict=True)) == list(zip(items, items, strict=True))


def test_few_items_stay_in_memory() -> None:
    def kept(n: int) -> object:
        return shelved(((str(i),) for i in range(n)), lambda item: item, lambda text: (text,), n_in_memory=3)

    assert kept(3) == (("0",), ("1",), ("2",))
    assert isinstance(kept(4), Shelf)


def test_a_shelf_that_is_gone_leaves_no_file_open() -> None:
    open_files = Path("/proc/self/fd")
    before = len(list(open_files.iterdir())) if open_files.exists() else 0
    shelf = put([("a", {})])
    del shelf
    gc.collect()
    assert (len(list(open_files.iterdir())) if open_files.exists() else 0) <= before


def test_a_long_suite_has_the_rows_of_its_file(tmp_path: Path) -> None:
    given_rows = [
        {"id": f"r{n}", "prompt": "p" * (n % 50 + 1), "target": str(n), "params": {"top_p": n / 7}}
        for n in range(2500)
    ]
    path = tmp_path / "s.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in given_rows))
    suite = Suite.load(path)
    assert isinstance(suite.rows, Shelf)
    assert [(r.id, r.prompt, r.targets, r.params) for r in suite.rows] == [
        (row["id"], row["prompt"], (row["target"],), row["params"]) for row in given_rows
    ]
    again = Suite.of("s", suite.rows[:])
    assert (suite.sha256, suite.rows) == (again.sha256, again.rows)
