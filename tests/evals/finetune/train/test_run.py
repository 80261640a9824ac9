"""What training refuses, what it leaves behind, and what it does when it is called again."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stepwell.evals.finetune.data.dataset import TRAIN, Dataset
from stepwell.evals.finetune.data.erase import erase_person
from stepwell.evals.finetune.data.example import Example, FinetuneError
from stepwell.evals.finetune.data.tainted import read_marks
from stepwell.evals.finetune.train import checkpoint, loop, run
from stepwell.evals.finetune.train.load import Base, load_base
from stepwell.evals.finetune.train.recipe import Recipe
from stepwell.evals.finetune.train.run import Progress, train
from stepwell.evals.finetune.train.trained import (
    CARD,
    CHECKPOINT,
    LOSSES,
    PEFT_CONFIG,
    PEFT_WEIGHTS,
    Trained,
)
from stepwell.router.outcome_notes import tenant_digest, user_digest
from tests.evals.finetune.train.small import RECIPE, made, of

Changed = Callable[..., Any]


def _recipe(**changed: object) -> Recipe:
    return msgspec.convert(msgspec.structs.asdict(RECIPE) | changed, Recipe)


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(made(), tmp_path_factory.mktemp("trained"), RECIPE, base_path=base, n_threads=1)


class Stop(Exception):
    """Ends a training from outside."""


def _break_off(at_step: int) -> Callable[[Progress], None]:
    def stop(progress: Progress) -> None:
        if progress.step == at_step:
            raise Stop

    return stop


def _broken_off(out: Path, base: Path, *, at_step: int = 4) -> None:
    with pytest.raises(Stop):
        train(
            made(),
            out,
            RECIPE,
            base_path=base,
            on_step=_break_off(at_step),
            checkpoint_every_s=0.0,
            n_threads=1,
        )


def test_the_folder_holds_what_peft_reads_and_what_was_done(trained: Trained) -> None:
    card = trained.card
    config = json.loads((trained.folder / PEFT_CONFIG).read_text())
    assert (config["r"], config["lora_alpha"], config["layers_to_transform"]) == (4, 8, [1])
    assert (card.n_examples, card.n_steps, card.n_runs, card.system) == (10, 12, 1, "Colour.")
    assert card.n_answer_tokens >= 6
    assert card.peak_rss_mb > 100
    assert card.loss < json.loads((trained.folder / LOSSES).read_text().splitlines()[0])["loss"]
    assert sorted(p.name for p in trained.folder.iterdir()) == sorted(
        [CARD, LOSSES, PEFT_CONFIG, PEFT_WEIGHTS, run.LOCK]
    )


def test_a_training_that_is_through_is_not_made_again(trained: Trained, base: Path) -> None:
    def fail(progress: Progress) -> None:
        raise AssertionError(progress)

    assert train(made(), trained.folder, RECIPE, base_path=base, on_step=fail) == trained


def test_a_training_whose_weights_are_gone_or_others_is_not_through(
    trained: Trained, base: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(trained.folder, folder)
    (folder / PEFT_WEIGHTS).write_bytes(b"others")
    for said in ("its sha256 is not the one", "can't be read"):
        with pytest.raises(FinetuneError, match=f"{said}.*--restart"):
            train(made(), folder, RECIPE, base_path=base)
        (folder / PEFT_WEIGHTS).unlink(missing_ok=True)


def test_who_comes_while_another_one_ends_changes_nothing(
    trained: Trained, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other training ends while this one reads its base, before it has the lock."""
    read = load_base

    def slowly(path: Path, *, dtype: str) -> Base:
        if not (tmp_path / "out").exists():
            shutil.copytree(trained.folder, tmp_path / "out")
        return read(path, dtype=dtype)

    monkeypatch.setattr(run, "load_base", slowly)
    with pytest.raises(FinetuneError, match="another dataset"):
        train(made(9), tmp_path / "out", RECIPE, base_path=base, n_threads=1)
    assert Trained.load(tmp_path / "out").card == trained.card
    shutil.rmtree(tmp_path / "out")
    assert train(made(), tmp_path / "out", RECIPE, base_path=base).card == trained.card


def test_an_error_of_who_is_told_is_theirs(base: Path, tmp_path: Path) -> None:
    def broken(progress: Progress) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        train(made(), tmp_path, RECIPE, base_path=base, on_step=broken, n_threads=1)


def test_what_is_erased_while_it_learns_marks_it(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path / "home"))
    of_acme = {"tenant": tenant_digest("acme").hex(), "user": user_digest(tenant_digest("acme"), "u").hex()}
    first, second, *rest = made(6).train
    theirs = [msgspec.structs.replace(e, **of_acme) for e in (first, second)]
    of([*theirs, *rest]).save(tmp_path / "lamps")

    def erase(progress: Progress) -> None:
        if progress.step == 1:
            assert erase_person(tenant="acme", user="u", folders=[tmp_path]).n_examples == 2

    learnt = Dataset.load(tmp_path / "lamps")
    recipe = _recipe(n_steps=2)
    made_of = train(learnt, tmp_path / "out", recipe, base_path=base, on_step=erase, n_threads=1)
    (mark,) = read_marks(made_of.folder)
    assert (mark.dataset, mark.n_erased) == (learnt.card.sha256, 2)
    left = Dataset.load(tmp_path / "lamps")
    clean = train(left, tmp_path / "out", recipe, base_path=base, is_restart=True, n_threads=1)
    assert not read_marks(clean.folder)


def test_what_a_killed_checkpoint_left_is_dropped(base: Path, tmp_path: Path) -> None:
    (tmp_path / f".{CHECKPOINT}.1.part").write_bytes(b"half")
    train(made(), tmp_path, _recipe(n_steps=1), base_path=base, n_threads=1)
    assert not list(tmp_path.glob(".*.part"))


def test_examples_that_call_tools_are_left_out_and_counted(base: Path, tmp_path: Path) -> None:
    call: dict[str, object] = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "1", "type": "function"}],
    }
    result: dict[str, object] = {"role": "tool", "tool_call_id": "1", "content": "21"}
    ask: dict[str, object] = {"role": "user", "content": "How warm is it?"}
    asked = (ask, call, result)
    dataset = of([*made(4).train, Example("t", asked, "21 degrees.")])
    card = train(dataset, tmp_path, _recipe(n_steps=1), base_path=base, n_threads=1).card
    assert (card.n_examples, card.n_too_long, card.n_with_tools) == (4, 0, 1)
    with pytest.raises(FinetuneError, match="or call tools: nothing to learn from"):
        train(of([Example("t", asked, "21.")]), tmp_path / "none", RECIPE, base_path=base)


def test_progress_counts_up_to_the_last_step(base: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    recipe = _recipe(n_steps=3)
    train(made(), tmp_path, recipe, base_path=base, on_step=seen.append, n_threads=1)
    assert [(p.step, p.n_steps) for p in seen] == [(1, 3), (2, 3), (3, 3)]
    assert seen[-1].left_s == 0
    assert seen[0].left_s > 0


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"recipe": {"learning_rate": 0.002}}, "another recipe;"),
        ({"n": 9}, "another dataset;"),
        ({"system": "Colours."}, "another dataset;"),
        ({"recipe": {"seed": 1}, "n": 9}, "another recipe and dataset;"),
    ],
)
@pytest.mark.parametrize("state", ["through", "broken off"])
def test_another_training_is_refused_in_the_same_folder(
    trained: Trained, base: Path, tmp_path: Path, state: str, changed: Any, what: str
) -> None:
    folder = trained.folder
    if state == "broken off":
        folder = tmp_path
        identity = checkpoint.Identity(RECIPE.sha256, trained.card.dataset_sha256, trained.card.base_sha256)
        _write_standing(folder, checkpoint.Standing(identity, 0, 0.0, 1, 0, ()))
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    dataset = made(changed.get("n", 10), system=changed.get("system", "Colour."))
    with pytest.raises(FinetuneError, match=what) as caught:
        train(dataset, folder, _recipe(**changed.get("recipe", {})), base_path=base)
    assert "--out" in str(caught.value)
    assert "--restart" in str(caught.value)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def _write_standing(folder: Path, standing: checkpoint.Standing) -> None:
    import torch
    from safetensors.torch import save_file

    header = {"standing": msgspec.json.encode(standing).decode()}
    save_file({"weight:x": torch.zeros(1)}, folder / CHECKPOINT, header)


def test_another_base_is_refused(trained: Trained, base: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(base.read_bytes() + b"\0")
    with pytest.raises(FinetuneError, match="another base model"):
        train(made(), trained.folder, RECIPE, base_path=other)


def test_restart_forgets_what_was_there(base: Path, tmp_path: Path, trained: Trained) -> None:
    _broken_off(tmp_path, base)
    again = train(made(), tmp_path, RECIPE, base_path=base, is_restart=True, n_threads=1)
    assert again.card.n_runs == 1
    assert again.card.weights_sha256 == trained.card.weights_sha256


def test_a_damaged_checkpoint_says_how_to_go_on(base: Path, tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT).write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    with pytest.raises(FinetuneError, match="--restart"):
        train(made(), tmp_path, RECIPE, base_path=base)


def test_one_training_a_folder_at_a_time(base: Path, tmp_path: Path) -> None:
    refused: list[FinetuneError] = []

    def again(progress: Progress) -> None:
        if not refused:
            with pytest.raises(FinetuneError, match="another training runs there") as caught:
                train(made(), tmp_path, RECIPE, base_path=base)
            refused.append(caught.value)

    train(made(), tmp_path, RECIPE, base_path=base, on_step=again, n_threads=1)
    assert len(refused) == 1


@contextmanager
def _files_up_to(n_bytes: int) -> Iterator[None]:
    """What a full disk looks like: writing on fails with an error of the system's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_last_checkpoint_and_no_adapter(
    base: Path, tmp_path: Path, trained: Trained
) -> None:
    _broken_off(tmp_path, base)
    kept = (tmp_path / CHECKPOINT).read_bytes()
    for every_s in (0.0, 1e9):  # full at the next checkpoint; at the end, when the adapter is written
        with _files_up_to(20_000), pytest.raises(FinetuneError, match="can't be written: File too large"):
            train(made(), tmp_path, RECIPE, base_path=base, checkpoint_every_s=every_s, n_threads=1)
        assert (tmp_path / CHECKPOINT).read_bytes() == kept
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted([CHECKPOINT, LOSSES, run.LOCK])
    # with room again, it ends as if nothing had been
    ended = train(made(), tmp_path, RECIPE, base_path=base, n_threads=1)
    assert ended.card.weights_sha256 == trained.card.weights_sha256


def test_a_loss_that_is_no_number_stops(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = loop.Learning._loss

    def wrong(learning: loop.Learning, rows: Any) -> Any:
        return right(learning, rows) * float("nan")

    monkeypatch.setattr(loop.Learning, "_loss", wrong)
    with pytest.raises(
        FinetuneError, match=r"the loss is nan at step 1: try a lower learning rate than 0\.001"
    ):
        train(made(), tmp_path, RECIPE, base_path=base, n_threads=1)
    assert not (tmp_path / CARD).exists()


def _asked(text: Any, answer: str = "yes") -> Example:
    return Example("x", ({"role": "user", "content": text},), answer)


@pytest.mark.parametrize(
    ("examples", "max_tokens", "what"),
    [
        ([], 99, "no training examples"),
        ([_asked("SECRET" * 40)], 30, "all 1 examples have over 30 tokens"),
        ([_asked("hi"), _asked("hi", "SECRET " * 40)], 30, "training example 2: its answer has 81 tokens"),
        ([_asked("hi"), _asked("SECRET \ud800")], 99, "training example 2: broken text"),
        ([_asked("hi", "SECRET \udfff")], 99, "training example 1: broken text"),
        ([_asked("hi", "")], 99, "training example 1: its answer is empty"),
        ([_asked(None)], 99, "training example 1: .* other than text"),
        ([_asked([{"type": "image_url", "image_url": {}}])], 99, "training example 1: .* other than text"),
    ],
)
def test_a_broken_dataset_says_where_and_writes_nothing(
    base: Path, tmp_path: Path, examples: list[Example], max_tokens: int, what: str
) -> None:
    dataset = made()
    broken = Dataset(dataset.card, tuple(examples), ())
    with pytest.raises(FinetuneError, match=what) as caught:
        train(broken, tmp_path / "out", _recipe(max_tokens=max_tokens), base_path=base)
    assert "SECRET" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_changed_line_is_no_dataset(tmp_path: Path) -> None:
    made().save(tmp_path)
    lines = (tmp_path / TRAIN).read_bytes()
    (tmp_path / TRAIN).write_bytes(lines.replace(b"red", b"tan", 1))
    with pytest.raises(FinetuneError, match="curate again"):
        Dataset.load(tmp_path)


def test_longer_examples_are_left_out_and_counted(base: Path, tmp_path: Path) -> None:
    dataset = of([*made(4).train, _asked("word " * 80)])
    card = train(dataset, tmp_path, _recipe(max_tokens=60, n_steps=2), base_path=base, n_threads=1).card
    assert (card.n_examples, card.n_too_long) == (4, 1)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, base: Path) -> None:
    from stepwell.evals.finetune.train import extra

    monkeypatch.setattr(extra, "NEEDED", ("torch", "no_such_package"))
    with pytest.raises(FinetuneError, match=r"no_such_package.*pip install 'stepwell\[finetune\]'"):
        load_base(base)


def test_no_such_layer(base: Path, tmp_path: Path) -> None:
    with pytest.raises(FinetuneError, match=r"first_layer is 2; the model's layers are 0\.\.1"):
        train(made(), tmp_path, _recipe(first_layer=2), base_path=base)


def test_no_such_base(tmp_path: Path) -> None:
    with pytest.raises(FinetuneError, match="no weights here for nowhere"):
        train(made(), tmp_path, _recipe(base="nowhere"))
