"""Files for hosted trainers: each host's form and limits."""

from pathlib import Path

import msgspec
import pytest

from stepwell.evals.finetune.data.chat import HostName, write_chat
from stepwell.evals.finetune.data.curate import CurateOptions, curate
from stepwell.evals.finetune.data.dataset import DatasetCard
from stepwell.evals.finetune.data.example import Example, FinetuneError
from stepwell.front.cli.main import main

CARD = DatasetCard("0" * 64, "text", 12, 1, 13)
Said = tuple[dict[str, object], ...]
TALK: Said = (
    {"role": "developer", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello"},
    {"role": "user", "content": "Where is [NAME]?"},
)
CALL: dict[str, object] = {
    "id": "call_0",
    "type": "function",
    "function": {"name": "find", "arguments": "{}"},
}
TOOL: dict[str, object] = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}
CALLED: Said = (
    {"role": "user", "content": "Find it"},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "content": "In Lund", "tool_call_id": "call_0"},
)


def examples(n: int) -> list[Example]:
    return [Example(f"e{i}", TALK, f"Answer {i}") for i in range(n)]


def lines(path: Path) -> list[dict[str, object]]:
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("host", ["openai", "together", "fireworks"])
def test_a_line_is_a_list_of_messages(tmp_path: Path, host: HostName) -> None:
    told = write_chat(tmp_path / "c.jsonl", examples(12), CARD, host=host)
    assert told.n_lines == 12
    first = lines(tmp_path / "c.jsonl")[0]
    assert first == {
        "messages": [
            {"role": "system", "content": "Be brief."},
            *TALK[1:],
            {"role": "assistant", "content": "Answer 0"},
        ]
    }
    assert told.n_bytes == (tmp_path / "c.jsonl").stat().st_size


def test_a_datasets_own_system_prompt_stands_in_place(tmp_path: Path) -> None:
    card = msgspec.structs.replace(CARD, system="find people")
    write_chat(tmp_path / "c.jsonl", examples(12), card, host="openai")
    messages = msgspec.convert(lines(tmp_path / "c.jsonl")[0]["messages"], list[dict[str, str]])
    assert [m["content"] for m in messages if m["role"] == "system"] == ["find people"]


def test_tools_go_where_the_host_takes_them(tmp_path: Path) -> None:
    given = [*examples(12), Example("t", CALLED, "It is in Lund", tools=(TOOL,))]
    told = write_chat(tmp_path / "o.jsonl", given, CARD, host="openai")
    assert (told.n_lines, told.left_out) == (13, {})
    last = lines(tmp_path / "o.jsonl")[-1]
    assert last["tools"] == [TOOL]
    assert msgspec.json.encode(last).count(b"tool_calls") == 1
    told = write_chat(tmp_path / "f.jsonl", given, CARD, host="fireworks")
    assert told.left_out == {"with calls of tools, which the host does not take": 1}


def test_together_wants_turns(tmp_path: Path) -> None:
    two: Said = ({"role": "user", "content": "Hi"}, {"role": "user", "content": "Where?"})
    told = write_chat(tmp_path / "c.jsonl", [*examples(2), Example("t", two, "There")], CARD, host="together")
    assert told.left_out == {"where user and assistant do not take turns": 1}


@pytest.mark.parametrize(("host", "least"), [("openai", 10), ("fireworks", 3)])
def test_too_few_are_refused_and_nothing_is_written(tmp_path: Path, host: HostName, least: int) -> None:
    out = tmp_path / "c.jsonl"
    with pytest.raises(FinetuneError, match=f"{least} examples or more; here are {least - 1}"):
        write_chat(out, examples(least - 1), CARD, host=host)
    assert not out.exists()
    assert write_chat(out, examples(1), CARD, host=host, is_validation=True).n_lines == 1


def test_long_examples_are_left_out_where_tokens_can_be_counted(tmp_path: Path) -> None:
    long = Example("l", ({"role": "user", "content": "why " * 70_000},), "So")
    told = write_chat(tmp_path / "c.jsonl", [*examples(12), long], CARD, host="openai")
    if told.n_tokens is None:
        pytest.skip("no vocabulary on this machine")
    assert told.left_out == {"over 65,536 tokens": 1}
    assert 10 < told.n_tokens < 100


def test_the_command_writes_both_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [
        Example(f"e{n}", ({"role": "user", "content": f"What is {n}?"},), f"It is {n}") for n in range(40)
    ]
    curate(given, options=CurateOptions(held_out=5)).save(tmp_path / "d")
    out, held = tmp_path / "o.jsonl", tmp_path / "h.jsonl"
    words = ["local", "chat", str(tmp_path / "d"), "--out", str(out), "--held-out-out", str(held)]
    assert main([*words, "--for", "openai", "--json"]) == 0
    told = msgspec.json.decode(capsys.readouterr().out)
    assert (told[str(out)]["n_lines"], told[str(held)]["n_lines"]) == (35, 5)
    assert (len(lines(out)), len(lines(held))) == (35, 5)
    assert main(["local", "chat", str(tmp_path), "--out", str(out), "--for", "openai"]) == 2
