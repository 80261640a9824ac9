"""Bundles: what is in them, and when none is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gguf import GGUFReader

from stepwell.base.errors import StepwellError
from stepwell.evals.finetune.data.dataset import Dataset, DatasetCard
from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.data.tainted import mark, read_marks
from stepwell.evals.finetune.export import export_bundle, export_peft
from stepwell.evals.finetune.parity import check_parity
from stepwell.evals.finetune.train.trained import Trained
from stepwell.front.cli import local_export
from stepwell.front.cli.parser_local_export import add_local_export
from stepwell.front.cli.parser_parts import Parser
from stepwell.router.tiers.bundle import read_bundle
from tests.support.lora import write_lora, write_tiny_base, write_training


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_tiny_base(tmp_path / "base.gguf")


@pytest.fixture
def training(base: Path, tmp_path: Path) -> Path:
    folder = write_lora(tmp_path / "mails")
    return write_training(folder, base, system="Extract refund.", schema_json="{}", n_answer_tokens=50)


def test_a_bundle_says_what_it_was_made_of(training: Path, tmp_path: Path) -> None:
    trained = Trained.load(training)
    made = export_bundle(trained, tmp_path / "out", name="mails", n_held_out=7, licences=("CC0-1.0",))
    read = read_bundle(tmp_path / "out")
    assert read == made
    card = read.card
    assert (card.name, card.kind, card.base, card.base_sha256) == (
        "mails",
        "adapter",
        "base.gguf",
        trained.card.base_sha256,
    )
    assert (card.system, card.schema_json, card.max_output_tokens) == ("Extract refund.", "{}", 100)
    assert (card.dataset_sha256, card.n_train, card.n_held_out, card.seed) == ("d" * 64, 5, 7, 3)
    assert card.licences == ("CC0-1.0",)
    assert json.loads(card.recipe_json)["rank"] == 16
    assert {p.name for p in read.folder.iterdir()} == {"card.json", "adapter.gguf"}
    assert GGUFReader(read.file).fields["general.name"].contents() == "mails"


def test_short_answers_get_room(base: Path, training: Path, tmp_path: Path) -> None:
    write_training(training, base, n_answer_tokens=9)
    made = export_bundle(Trained.load(training), tmp_path / "out", name="mails")
    assert made.card.max_output_tokens == 64


def test_the_same_training_is_the_same_version(training: Path, tmp_path: Path) -> None:
    trained = Trained.load(training)
    first = export_bundle(trained, tmp_path / "a", name="mails")
    assert export_bundle(trained, tmp_path / "b", name="mails").card.version == first.card.version


def test_a_merged_model_takes_the_place_of_the_adapter(training: Path, tmp_path: Path) -> None:
    trained = Trained.load(training)
    export_bundle(trained, tmp_path / "out", name="mails")
    made = export_bundle(trained, tmp_path / "out", name="mails", merged="q8_0")
    assert made.card.kind == "merged"
    assert {p.name for p in made.folder.iterdir()} == {"card.json", "merged.gguf"}


def test_another_base_is_refused(training: Path, tmp_path: Path) -> None:
    other = write_tiny_base(tmp_path / "other.gguf", seed=8)
    with pytest.raises(FinetuneError, match=r"other.gguf is not the base that .*mails was trained on"):
        export_bundle(Trained.load(training), tmp_path / "out", name="mails", base=other)
    assert not (tmp_path / "out").exists()


def test_a_failed_export_leaves_the_bundle_that_was_there(base: Path, training: Path, tmp_path: Path) -> None:
    before = export_bundle(Trained.load(training), tmp_path / "out", name="mails")
    (training / "adapter_model.safetensors").write_bytes(b"broken")
    with pytest.raises(FinetuneError, match="breaks off"):
        export_peft(training, tmp_path / "out", name="mails", base=str(base))
    assert read_bundle(tmp_path / "out") == before
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"card.json", "adapter.gguf"}


@pytest.mark.parametrize("state", ["gone", "of another training"])
def test_weights_that_are_not_those_that_were_trained(state: str, training: Path, tmp_path: Path) -> None:
    trained = Trained.load(training)
    weights = training / "adapter_model.safetensors"
    if state == "gone":
        weights.unlink()
    else:
        weights.write_bytes((write_lora(tmp_path / "other", seed=1) / weights.name).read_bytes())
    said = "can't be read" if state == "gone" else "its sha256 is not the one that training.json names"
    with pytest.raises(FinetuneError, match=said):
        export_bundle(trained, tmp_path / "out", name="mails")
    assert not (tmp_path / "out").exists()
    with pytest.raises(FinetuneError, match=said):
        check_parity(trained, Dataset(DatasetCard("d" * 64, "text", 0, 0, 0), (), ()))


def test_no_other_folder_is_written_into(training: Path, tmp_path: Path) -> None:
    card = DatasetCard("0" * 64, "text", 0, 0, 0)
    Dataset(card, (), ()).save(tmp_path / "dataset")
    before = {p.name: p.read_bytes() for p in (tmp_path / "dataset").iterdir()}
    with pytest.raises(FinetuneError, match=r"its card\.json is no bundle's"):
        export_bundle(Trained.load(training), tmp_path / "dataset", name="mails")
    assert {p.name: p.read_bytes() for p in (tmp_path / "dataset").iterdir()} == before


def test_the_mark_of_erased_examples_goes_with_the_training(
    base: Path, training: Path, tmp_path: Path
) -> None:
    trained, out = Trained.load(training), tmp_path / "out"
    assert not export_bundle(trained, out, name="mails").is_tainted
    mark(training, "d" * 64, 2)
    made = export_bundle(trained, out, name="mails")
    assert made.is_tainted
    assert read_marks(out) == read_marks(training)
    # the bundle alone was marked: it is of the same examples
    (training / "tainted.json").unlink()
    assert export_bundle(trained, out, name="mails").is_tainted
    # trained again on what is left
    write_training(training, base, dataset_sha256="e" * 64)
    assert not export_bundle(Trained.load(training), out, name="mails").is_tainted


@pytest.mark.parametrize("name", ["", "Mails", "../up", "a b", "-a"])
def test_names_that_are_none(name: str, training: Path, tmp_path: Path) -> None:
    with pytest.raises(FinetuneError, match="can't be a name"):
        export_bundle(Trained.load(training), tmp_path / "out", name=name)
    assert not (tmp_path / "out").exists()


def test_the_command(training: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(str(training), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    bundle = read_bundle(Path(told["folder"]))
    assert bundle.folder == training / "bundle"
    assert told["version"] == bundle.card.version
    assert bundle.card.command == "stepwell local export mails --precision f16"
    assert _run(str(training)) == 0
    said = capsys.readouterr()
    assert f"adapter mails, version {bundle.card.version}, 0.0 MB" in said.out
    assert f"model: local/{bundle.folder}" in said.err


def test_an_adapter_from_elsewhere(base: Path, tmp_path: Path) -> None:
    lora = write_lora(tmp_path / "from-peft")
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object"}')
    given = (
        "--base",
        str(base),
        "--system",
        "Extract.",
        "--max-output-tokens",
        "80",
        "--schema",
        str(schema),
    )
    assert _run(str(lora), *given) == 0
    card = read_bundle(lora / "bundle").card
    assert (card.name, card.base, card.system, card.max_output_tokens) == (
        "from-peft",
        "base.gguf",
        "Extract.",
        80,
    )
    assert card.schema_json == '{"type":"object"}'
    assert card.recipe_json == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--system", "x"], "adapters trained elsewhere"),
        (["--base", "nothing-of-that-name"], "no weights here for nothing-of-that-name"),
        (["--schema", "none.json"], "none.json: No such file"),
        (["--dataset", "none"], "no dataset there"),
    ],
)
def test_what_the_command_refuses(given: list[str], said: str, training: Path) -> None:
    with pytest.raises(StepwellError, match=said):
        _run(str(training), *given)
    assert not (training / "bundle").exists()


def test_elsewhere_needs_a_base(tmp_path: Path) -> None:
    with pytest.raises(StepwellError, match="--base says on what"):
        _run(str(write_lora(tmp_path / "from-peft")))
    with pytest.raises(StepwellError, match="no trained adapter there"):
        _run(str(tmp_path))


def _run(*given: str) -> int:
    parser = Parser()
    add_local_export(parser.add_subparsers(required=True))
    return local_export.run(parser.parse_args(["export", *given]))
