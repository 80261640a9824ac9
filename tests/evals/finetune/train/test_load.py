"""The base as it is read here, against transformers' own reading of the same file."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.train import load
from stepwell.evals.finetune.train.load import adapt, load_base
from tests.evals.finetune.train.small import RECIPE


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_weights_and_answers_are_those_of_transformers(base: Path) -> None:
    import torch

    ours = load_base(base, dtype="float32")
    model, _ = load._by_transformers(base, torch.float32)
    theirs = model.state_dict()
    found = ours.model.state_dict()
    assert set(found) == set(theirs)
    assert all(torch.equal(found[name], theirs[name]) for name in found)
    ids = torch.tensor([[1, 17, 900, 4, 2]])
    with torch.no_grad():
        assert torch.equal(ours.model(ids).logits, model(ids).logits)


def test_only_the_adapter_learns_and_its_start_is_seeded(base: Path) -> None:
    import torch

    adapted = [adapt(load_base(base, dtype="float32"), RECIPE).model for _ in range(2)]
    learnt = [{n: p for n, p in model.named_parameters() if p.requires_grad} for model in adapted]
    assert len(learnt[0]) == 2 * len(load.PROJECTIONS)
    assert all(".layers.1." in name and "lora_" in name for name in learnt[0])
    assert all(torch.equal(p, learnt[1][name]) for name, p in learnt[0].items())
    assert adapted[0].peft_config["default"].base_model_name_or_path == "small"


def test_a_broken_file_is_no_base(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(40))
    with pytest.raises(FinetuneError, match="not a GGUF that can be read"):
        load_base(broken)


def test_an_unknown_dtype_is_named(base: Path) -> None:
    with pytest.raises(FinetuneError, match="dtype is 'int8'; want one of auto, bfloat16, float32"):
        load_base(base, dtype="int8")
