"""`stepwell local train`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepwell.evals.finetune.train.recipe import Recipe
from stepwell.front.cli import local_train
from stepwell.front.cli.exits import UsageError
from stepwell.front.cli.parser_local_train import add_local_train
from stepwell.front.cli.parser_parts import Parser
from tests.evals.finetune.train.small import made

SMALL = ("--first-layer", "1", "--rank", "4", "--alpha", "8", "--batch-size", "2", "--threads", "1")


def _run(*given: str) -> int:
    parser = Parser()
    add_local_train(parser.add_subparsers())
    return local_train.run(parser.parse_args(["train", *given]))


def test_it_trains_and_says_what_came_of_it(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made().save(tmp_path / "lamps")
    assert _run(str(tmp_path / "lamps"), "--base", str(base), "--passes", "0.8", *SMALL) == 0
    said = capsys.readouterr()
    assert "after 4 steps on 10 examples" in said.out
    assert f"adapter of 0.04 M parameters: {tmp_path / 'lamps-trained'}" in said.out
    assert "training: 50%, loss " in said.err
    assert f"next: stepwell local eval {tmp_path / 'lamps-trained'} {tmp_path / 'lamps'}" in said.err

    given = (str(tmp_path / "lamps"), "--base", str(base), "--steps", "2", "--json", *SMALL)
    assert _run(*given, "--restart", "--out", str(tmp_path / "lamps-trained")) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["folder"] == str(tmp_path / "lamps-trained")
    assert told["card"]["n_steps"] == 2
    assert told["card"]["recipe"]["first_layer"] == 1


def test_its_defaults_are_the_recipes(tmp_path: Path) -> None:
    parser = Parser()
    add_local_train(parser.add_subparsers())
    assert local_train._recipe(parser.parse_args(["train", str(tmp_path)])) == Recipe()


@pytest.mark.parametrize("wrong", [("--rank", "0"), ("--threads", "0"), ("--averaged", "1")])
def test_what_cannot_be_is_refused_before_anything_is_read(tmp_path: Path, wrong: tuple[str, str]) -> None:
    made().save(tmp_path / "lamps")
    with pytest.raises(UsageError, match="want"):
        _run(str(tmp_path / "lamps"), *wrong)
