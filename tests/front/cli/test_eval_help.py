"""What the eval commands promise in their help, and what they say of a wrong command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.front.cli.main import main

OWN = {
    "run": {0, 1, 2, 3},
    "gate": {0, 1, 2, 3},
    "judge": {0, 2, 3},
    "aa": {0, 1},
    "import": {0, 3},
    "from-traffic": {0, 2},
    "replay": {0, 1, 2, 3},
    "compare": {0, 1, 2},
    "drift": {0, 1, 2},
}


def _help(command: str, capsys: pytest.CaptureFixture[str]) -> dict[int, str]:
    with pytest.raises(SystemExit):
        main(["eval", command, "--help"])
    codes = capsys.readouterr().out.partition("exit codes:\n")[2].strip().splitlines()
    return {int(line.split()[0]): line.split(maxsplit=1)[1] for line in codes}


@pytest.mark.parametrize("command", OWN)
def test_each_command_names_its_own_exit_codes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert set(_help(command, capsys)) == OWN[command] | {64, 130}


def test_codes_mean_what_the_command_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert "drift" in _help("drift", capsys)[1]
    assert "regression" in _help("gate", capsys)[1]
    assert "could not be read" in _help("import", capsys)[3]


@pytest.mark.parametrize("command", [["run", "chatbot"], ["judge", "--judge", "a"]])
def test_a_file_is_no_place_for_a_run(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("kept")
    with pytest.raises(SystemExit) as e:
        main(["eval", *command, "--out", str(file)])
    assert e.value.code == 64
    assert "is a file; name a folder" in capsys.readouterr().err
    assert file.read_text() == "kept"
