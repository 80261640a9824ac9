"""Greedy answers: those of the adapter, whatever stands beside them in a batch."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.train.chat import Messages
from stepwell.evals.finetune.train.generate import Greedy
from stepwell.evals.finetune.train.recipe import Recipe
from stepwell.evals.finetune.train.run import train
from stepwell.evals.finetune.train.trained import PEFT_WEIGHTS, Trained
from tests.evals.finetune.train.small import RECIPE, made, of


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    longer = {"first_layer": 0, "n_steps": 40, "learning_rate": 0.005, "averaged": 0.0}
    recipe = msgspec.convert(msgspec.structs.asdict(RECIPE) | longer, Recipe)
    return train(of(list(made(1).train)), tmp_path_factory.mktemp("t"), recipe, base_path=base, n_threads=1)


def test_what_was_learnt_is_said(trained: Trained, base: Path) -> None:
    learnt = made(1).train
    greedy = Greedy.of_trained(trained, base_path=base, dtype="float32")
    asks = [example.messages for example in learnt]
    said = greedy.answers(asks, trained.card.n_answer_tokens)
    assert said == [example.answer for example in learnt]
    ids = greedy.ids(asks, trained.card.n_answer_tokens)
    assert [one[-1] for one in ids] == [greedy.chat.tokenizer.eos_token_id]
    # cut off before its end: no mark
    assert [len(one) for one in greedy.ids(asks, 2)] == [2]


def test_a_batch_changes_no_answer(real_base: Path) -> None:
    greedy = Greedy.of_base("x", base_path=real_base, dtype="float32", batch_size=3)
    words = ("hi", "What is the capital of France? It is a large town on a river.", "red or green?", "2 + 2")
    asks: list[Messages] = [({"role": "user", "content": text},) for text in words]
    together = greedy.ids(asks, 5)
    assert together == [greedy.ids([ask], 5)[0] for ask in asks]
    assert len({tuple(ids) for ids in together}) == len(asks)


def test_a_folder_without_an_adapter_is_refused(trained: Trained, base: Path, tmp_path: Path) -> None:
    (tmp_path / PEFT_WEIGHTS).write_bytes(b"")
    with pytest.raises(FinetuneError, match="its adapter can't be loaded"):
        Greedy.of_trained(Trained(tmp_path, trained.card), base_path=base)
