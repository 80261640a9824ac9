"""Leaks: each held-out example that training has seen is counted once, by the plainest way."""

from __future__ import annotations

from stepwell.evals.finetune.data.dataset import Dataset, DatasetCard
from stepwell.evals.finetune.data.example import Example
from stepwell.evals.finetune.leak import find_leaks


def example(id: str, ask: str, group: str = "") -> Example:
    return Example(id=id, messages=({"role": "user", "content": ask},), answer="{}", group=group)


TRAIN = (
    example("a", "my parcel never arrived and I want the money back for the blue kettle please"),
    example("b", "the invoice of last month names the wrong company address, can you correct it", "talk-1"),
)


def found(*held_out: Example) -> tuple[int, int, int, tuple[str, ...]]:
    data = Dataset(DatasetCard("0" * 64, "json", len(TRAIN), len(held_out), 0), TRAIN, held_out)
    leaks = find_leaks(data, trained_on="0" * 64)
    assert leaks.n == len(leaks.ids)
    return leaks.n_same, leaks.n_near, leaks.n_group, leaks.ids


def test_new_examples_are_no_leaks() -> None:
    assert found(example("x", "how do I change the PIN of my card"), example("y", "what is the weather")) == (
        *(0, 0, 0),
        (),
    )


def test_each_is_counted_once() -> None:
    same = example("x", "My parcel never arrived, and I want the money back for the blue kettle, please!")
    near = example("y", "my parcel never arrived and I want all the money back for the blue kettle please")
    grouped = example("z", "and what about the other one", "talk-1")
    assert found(same, near, grouped) == (1, 1, 1, ("x", "y", "z"))
    both = example("w", TRAIN[1].ask, "talk-1")
    assert found(both) == (1, 0, 0, ("w",))
