"""Measuring over the real serving: llama.cpp with a made-up adapter that changes nothing, and real heads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stepwell.evals.finetune.data.dataset import Dataset, DatasetCard, content_sha256
from stepwell.evals.finetune.data.example import Example
from stepwell.evals.finetune.figures import ADAPTER, BASE, BASE_SCHEMA, HEADS
from stepwell.evals.finetune.heads import write_card
from stepwell.evals.finetune.measure import measure
from stepwell.evals.finetune.options import MeasureOptions
from stepwell.evals.finetune.promote import judge_promotion
from stepwell.evals.finetune.store import promote_bundle
from stepwell.router.tiers import weights
from stepwell.router.tiers.adapters import find_bundle
from stepwell.router.tiers.bundle import Bundle, BundleCard, file_sha256, read_bundle

MODEL = "smollm2-135m-instruct"
pytestmark = pytest.mark.skipif(
    weights.find(MODEL) is None, reason=f"the weights of {MODEL} are not here: stepwell local fetch"
)
ASKS = {
    "refund": "I want my money back|refund the kettle|refund me the parcel|money back now|a refund|give it back",
    "card": "my card is lost|the card was stolen|block my card|I lost the card on a train|a new card|card gone",
}


def dataset() -> Dataset:
    rows = [(ask, label) for label, asks in ASKS.items() for ask in asks.split("|")]
    made = [
        Example(id=ask, messages=({"role": "user", "content": ask},), answer=f'{{"intent":"{label}"}}')
        for ask, label in rows
    ]
    held_out, train = tuple(made[::6]), tuple(e for n, e in enumerate(made) if n % 6)
    sha256 = content_sha256(train, held_out)
    return Dataset(DatasetCard(sha256, "labels", len(train), len(held_out), len(made)), train, held_out)


def idle_adapter(folder: Path, data: Dataset) -> Bundle:
    """An adapter whose B is zero: the base as it is."""
    from gguf import GGUFType, GGUFWriter, Keys

    folder.mkdir()
    writer = GGUFWriter(folder / "adapter.gguf", "llama")
    writer.add_type(GGUFType.ADAPTER)
    writer.add_string(Keys.Adapter.TYPE, "lora")
    writer.add_float32(Keys.Adapter.LORA_ALPHA, 8.0)
    writer.add_tensor("blk.29.ffn_gate.weight.lora_a", np.ones((4, 576), np.float16))
    writer.add_tensor("blk.29.ffn_gate.weight.lora_b", np.zeros((1536, 4), np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    card = BundleCard(
        "idle",
        "adapter",
        file_sha256(folder / "adapter.gguf"),
        base=MODEL,
        base_sha256=weights.known(MODEL).sha256,
        dataset_sha256=data.card.sha256,
        max_output_tokens=24,
    )
    write_card(folder, card)
    return read_bundle(folder)


async def test_every_arm_answers_over_the_real_serving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = dataset()
    bundle = idle_adapter(tmp_path / "b", data)
    report = await measure(data, bundle, out=tmp_path, options=replace(MeasureOptions(), timeout_s=120.0))
    arms = {a.name: a for a in report.arms}
    assert list(arms) == [BASE, BASE_SCHEMA, ADAPTER, *HEADS]
    assert {a.n_errors for a in report.arms} == {0}
    assert arms[BASE_SCHEMA].valid == 1, "the schema does not hold the base"
    assert (arms[ADAPTER].exact, arms[ADAPTER].valid) == (arms[BASE].exact, arms[BASE].valid)
    assert (arms["head-tfidf"].exact, arms["head-embedding"].exact) == (1, 1)
    decision = judge_promotion(report, data, bundle)
    assert not decision.is_promoted
    assert any("2 held-out examples" in reason for reason in decision.reasons)

    # what was measured serves by its name, once it is let
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path / "home"))
    head = report.head("embedding")
    assert head is not None
    promote_bundle(read_bundle(tmp_path / head.folder), "intents")
    found = find_bundle("intents")
    assert found is not None
    assert found.card.sha256 == head.sha256
