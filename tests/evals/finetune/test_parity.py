"""The exported adapter against the trained one, by the real model and the real llama.cpp.

The adapter is random, and strong on q and k of the upper layers: with the rows of B in the wrong order nearly every
output changes.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepwell.evals.finetune.data.dataset import Dataset, DatasetCard, content_sha256
from stepwell.evals.finetune.data.example import Example, FinetuneError
from stepwell.evals.finetune.gguf import deltas
from stepwell.evals.finetune.gguf.adapter import write_adapter
from stepwell.evals.finetune.gguf.tokens import TokenServer
from stepwell.evals.finetune.parity import SIDES, Parity, check_parity
from stepwell.evals.finetune.train.trained import Trained
from stepwell.evals.verdict.fixed import compare
from stepwell.front.cli import local_parity
from stepwell.front.cli.parser_local_parity import add_local_parity
from stepwell.front.cli.parser_parts import Parser
from stepwell.router.tiers import weights
from tests.support.lora import SMOLLM2, write_lora, write_training

MODEL = "smollm2-135m-instruct"
BASE = weights.find(MODEL)
needs_weights = pytest.mark.skipif(
    BASE is None, reason=f"the weights of {MODEL} are not here: stepwell local fetch"
)
ASKS = (
    "Name a colour.",
    "What is the capital of France?",
    "Write about dogs.",
    "Who wrote Hamlet?",
    "Say hello in Spanish.",
    "Why is the sky blue?",
)
N_TOKENS = 8


def _dataset(folder: Path, asks: tuple[str, ...] = ASKS) -> Path:
    held_out = tuple(
        Example(str(n), ({"role": "user", "content": ask},), "Blue.") for n, ask in enumerate(asks)
    )
    card = DatasetCard(content_sha256((), held_out, kind="text"), "text", 0, len(held_out), len(held_out))
    Dataset(card, (), held_out).save(folder)
    return folder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _dataset(tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert BASE is not None
    strength = {**dict.fromkeys(SMOLLM2, 0.03), "q_proj": 0.3, "k_proj": 0.3}
    folder = write_lora(
        tmp_path_factory.mktemp("training"),
        SMOLLM2,
        layers=range(26, 30),
        rank=8,
        alpha=16,
        strength=strength,
    )
    return write_training(folder, BASE)


@needs_weights
def test_the_exported_adapter_says_what_the_trained_one_says(
    training: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("stepwell.evals.finetune.parity.output_tokens", lambda n: N_TOKENS)
    assert _run(str(training), str(dataset), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["n"], told["n_same"], told["share"], told["apart"]) == (len(ASKS), len(ASKS), 1.0, [])
    assert told["low"] < told["high"] == 1.0
    assert told["exact"].keys() == set(SIDES)
    assert told["loss"]["low"] <= told["loss"]["difference"] <= told["loss"]["high"]


@needs_weights
def test_with_rows_in_the_wrong_order_most_outputs_change(
    training: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert BASE is not None
    right, wrong = tmp_path / "right.gguf", tmp_path / "wrong.gguf"
    write_adapter(training, BASE, right, name="right")
    monkeypatch.setattr(deltas, "to_llama", lambda rows, n_heads: rows)
    write_adapter(training, BASE, wrong, name="wrong")
    outputs = [_answers(BASE, adapter) for adapter in (right, wrong)]
    n_same = sum(a == b for a, b in zip(*outputs, strict=True))
    assert n_same <= len(ASKS) / 2


def _answers(model: Path, adapter: Path) -> list[tuple[int, ...]]:
    # any ids are a prompt
    prompts = [[1, 4093, 198, *(ord(c) for c in ask), 2, 198, 1, 520, 9531, 198] for ask in ASKS]
    with TokenServer(model, adapter, is_exact=False) as server:
        answers = [server.greedy(prompt, N_TOKENS) for prompt in prompts]
        assert [server.greedy(prompt, N_TOKENS) for prompt in prompts[:2]] == answers[:2]
    return answers


@needs_weights
def test_what_llama_cpp_cannot_start_with(tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"GGUF")
    with pytest.raises(FinetuneError, match=r"did not start with .*broken\.gguf"):
        TokenServer(tmp_path / "broken.gguf", is_exact=True).__enter__()
    assert BASE is not None
    with TokenServer(BASE, is_exact=True, window_tokens=64) as server:
        with pytest.raises(FinetuneError, match="refused 500 tokens"):
            server.greedy([198] * 500, 4)


@needs_weights
def test_what_the_command_tells(
    training: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {SIDES[1]: dict.fromkeys("abcd", 1.0), SIDES[2]: {**dict.fromkeys("abc", 1.0), "d": 0.0}}
    loss = compare(scores, baseline=SIDES[1])[0]
    made = Parity(4, 3, 2, dict(zip(SIDES, (4, 4, 3), strict=True)), loss, (2,))
    monkeypatch.setattr("stepwell.evals.finetune.parity.check_parity", lambda *given, **options: made)
    assert _run(str(training), str(dataset)) == 1
    said = capsys.readouterr()
    assert "3 of 4 outputs are the same, token for token" in said.out
    assert "75.0% (30.1% to 95.4%; goal 98%)" in said.out
    assert "as it is served: 2 of 4 outputs are the same as in float32; exact answers -25.0%" in said.out
    assert "differ: held-out examples 2" in said.err
    assert _run(str(training), str(dataset), "--goal", "0.7") == 0


@needs_weights
def test_nothing_held_out_is_nothing_to_compare_on(training: Path, tmp_path: Path) -> None:
    empty = Dataset.load(_dataset(tmp_path / "empty", ()))
    with pytest.raises(FinetuneError, match="holds no example out"):
        check_parity(Trained.load(training), empty)


def _run(*given: str) -> int:
    parser = Parser()
    add_local_parity(parser.add_subparsers(required=True))
    return local_parity.run(parser.parse_args(["parity", *given]))
