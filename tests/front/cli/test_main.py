"""The command line itself: one line of error, documented codes, quiet pipes."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from stepwell.front.cli import terminal
from stepwell.front.cli.inputs import config_of, prompt_of, wishes_of
from stepwell.front.cli.main import main
from stepwell.front.cli.parser import make_parser
from stepwell.front.cli.serve import with_address

STEPWELL = [sys.executable, "-m", "stepwell.front.cli"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.mark.parametrize(
    "line", ["", "ask", "nonsense", "ask x --stream --json", "serve --port many", "eval"]
)
def test_a_wrong_command_line_is_one_line_and_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("stepwell: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "said"),
    [
        *((c, "refused by a promise") for c in ("", "ask", "eval router")),
        ("local fetch", "3    the download broke"),
        *((c, "2    inconclusive") for c in ("eval run", "eval gate")),
    ],
)
def test_every_help_documents_the_exit_codes(
    command: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    assert ended.value.code == 0
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("line", ["eval run", "eval gate", "eval gate nowhere", "eval run nowhere.jsonl"])
def test_wrong_usage_is_64_where_2_is_a_verdict(line: str, elsewhere: Path) -> None:
    try:
        code = main(line.split())
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code == 64


@pytest.mark.parametrize(
    "option",
    [
        "run s --max-usd",
        "run s --margin",
        "run s --max-errors",
        "run s --max-false-accepts",
        "gate r --min-quality",
        "gate r --max-cost-usd",
        "judge --max-usd",
        "judge --max-false-accepts",
        "aa o --max-false",
        "drift a b --alpha",
        "drift a b --min-effect",
        "replay l --policy p --margin",
        "compare r --policy p --margin",
    ],
)
@pytest.mark.parametrize("value", ["nan", "-1", "inf", "much"])
def test_a_figure_that_is_none_is_wrong_usage(
    option: str, value: str, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["eval", *f"{option}={value}".split()])
    assert ended.value.code == 64
    assert "want " in capsys.readouterr().err


def test_a_wrong_config_is_one_line_and_2(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (elsewhere / "stepwell.yaml").write_text("tears: {}\npromisses: {}\n")
    assert main(["ask", "hi"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "did you mean 'tiers'" in captured.err
    assert "did you mean 'promises'" in captured.err


def test_config_may_stand_before_or_after_the_command(elsewhere: Path) -> None:
    (elsewhere / "a.yaml").write_text("server: {port: 8411}\n")
    for line in (["--config", "a.yaml", "check"], ["check", "--config", "a.yaml"]):
        assert config_of(make_parser().parse_args(line)).server.port == 8411


def test_the_config_here_is_taken_up(elsewhere: Path) -> None:
    args = make_parser().parse_args(["check"])
    assert config_of(args).server.port == 8400
    (elsewhere / "stepwell.yaml").write_text("server: {port: 8412}\n")
    assert config_of(args).server.port == 8412


def test_the_prompt_comes_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("from a pipe\n"))
    assert prompt_of(make_parser().parse_args(["ask", "-"])) == "from a pipe\n"


def test_an_empty_prompt_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(" \n"))
    assert main(["ask", "-"]) == 2
    assert "empty" in capsys.readouterr().err


def test_stdin_that_is_no_text_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe"), encoding="utf-8"))
    assert main(["ask", "-"]) == 2
    assert "UTF-8" in capsys.readouterr().err


def test_wishes_are_only_what_was_asked() -> None:
    assert wishes_of(make_parser().parse_args(["ask", "x"])) == {}
    args = make_parser().parse_args(["ask", "x", "--max-usd", "0.01", "--no-cache", "--below-floor", "flag"])
    assert wishes_of(args) == {"max_usd": 0.01, "cache": False, "below_floor": "flag"}


def test_an_address_on_the_command_line_wins(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (elsewhere / "stepwell.yaml").write_text("server: {port: 8412, drain_timeout_s: 3}\n")
    config = config_of(make_parser().parse_args(["serve"]))
    assert with_address(config, None, None) is config
    server = with_address(config, "0.0.0.0", 0).server
    assert (server.host, server.port, server.drain_timeout_s) == ("0.0.0.0", 0, 3)
    assert main(["serve", "--port", "99999"]) == 2
    assert "server.port" in capsys.readouterr().err


def test_a_table_in_a_pipe_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.table(("tier", "cost"), [("local", "$0"), ("premium", "$0.01")])
    assert capsys.readouterr().out == "tier     cost\nlocal    $0\npremium  $0.01\n"


def test_an_answer_cannot_steer_the_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    hostile = "a\x1b]0;title\x07\x9b2Jb\tc\nd"
    assert terminal.printable(hostile, Terminal()) == "a\ufffd]0;title\ufffd\ufffd2Jb\tc\nd"
    assert terminal.printable(hostile, io.StringIO()) == hostile


@pytest.mark.parametrize(
    ("amount", "text"), [(None, "?"), (0.0, "$0"), (0.01234, "$0.0123"), (1.5e-7, "$1.5e-07"), (2.0, "$2.00")]
)
def test_dollars(amount: float | None, text: str) -> None:
    assert terminal.usd(amount) == text


def test_a_reader_that_went_away_is_no_traceback() -> None:
    child = subprocess.Popen([*STEPWELL, "local", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.close()
    assert child.stderr is not None
    with child.stderr as stderr:
        assert stderr.read() == b""
    assert child.wait(30) == 141


def test_starting_up_loads_nothing_heavy() -> None:
    code = """
import sys
from stepwell.front.cli.main import main
main(["local", "list"])
heavy = {"rich", "litellm", "openai", "httpx", "numpy", "langchain_core", "aiohttp", "pydantic", "asyncio"}
print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
