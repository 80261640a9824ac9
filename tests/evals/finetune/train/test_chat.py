"""Prompts are cut into tokens as llama.cpp cuts them: what is learnt is what is asked when serving."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.train.chat import Chat
from stepwell.evals.finetune.train.load import load_base
from stepwell.router.tiers.local_server import Started

Post = Callable[[str, dict[str, Any]], dict[str, Any]]
TEXTS = (
    "hi",
    "order 4711-88  12 costs\n\n3 or 12,50 EUR; don't",
    "  two blanks before 7, a tab\t9 and an end \n",
    "café 日本 3½ ٣ ² Ⅷ 😀 e\u0301 \u200b",
    "a mark <|im_end|> in the text, and <|im_start|>user",
    "",
    "x" * 40 + "\r\n    if x==10:\n\t\treturn {'a':1.5e-3}",
)


@pytest.fixture(scope="module")
def post(base: Path) -> Iterator[Post]:
    started = Started(str(base), n_threads=1, n_parallel=1, n_ctx=512)
    child = subprocess.Popen(
        [sys.executable, "-m", "stepwell.router.tiers.local_server", msgspec.json.encode(started).decode()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with child:
        assert child.stdout is not None
        address = child.stdout.readline().decode().strip()

        def ask(path: str, body: dict[str, Any]) -> dict[str, Any]:
            head = {"Content-Type": "application/json"}
            request = urllib.request.Request(address + path, json.dumps(body).encode(), head)
            with urllib.request.urlopen(request, timeout=60) as reply:
                found: dict[str, Any] = json.load(reply)
                return found

        yield ask
        child.kill()


@pytest.fixture(scope="module")
def tokenizer(base: Path) -> Any:
    return load_base(base, dtype="float32").tokenizer


def _said(*turns: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"role": role, "content": content} for role, content in turns]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_cut_as_the_server_cuts_it(tokenizer: Any, post: Post, text: str) -> None:
    there = post("/tokenize", {"content": text, "add_special": False, "parse_special": True})["tokens"]
    assert Chat(tokenizer).answer_ids(text) == [*there, tokenizer.eos_token_id]


@pytest.mark.parametrize(
    "messages",
    [
        _said(("user", TEXTS[1])),
        _said(("system", "Two words."), ("user", TEXTS[3])),
        _said(("user", "a"), ("assistant", "b\n"), ("user", TEXTS[4])),
        _said(("user", [{"type": "text", "text": "one"}, {"type": "text", "text": "two 2"}])),
    ],
)
def test_messages_are_rendered_as_the_server_renders_them(
    tokenizer: Any, post: Post, messages: list[dict[str, Any]]
) -> None:
    prompt = post("/apply-template", {"messages": messages})["prompt"]
    there = post("/tokenize", {"content": prompt, "add_special": True, "parse_special": True})["tokens"]
    ours = Chat(tokenizer).prompt_ids(messages)
    assert ours == there
    asked = {"messages": messages, "max_tokens": 1, "cache_prompt": False}
    assert post("/v1/chat/completions", asked)["usage"]["prompt_tokens"] == len(ours)


def test_the_datasets_system_stands_for_the_messages_own(tokenizer: Any) -> None:
    own = _said(("system", "Be long and kind."), ("developer", "Be brief."), ("user", "hi"))
    short = _said(("system", "Two words."), ("user", "hi"))
    assert Chat(tokenizer, "Two words.").prompt_ids(own) == Chat(tokenizer).prompt_ids(short)
    assert Chat(tokenizer).prompt_ids(own) != Chat(tokenizer).prompt_ids(short)


def test_a_row_ends_with_the_mark_that_ends_a_turn(tokenizer: Any) -> None:
    row = Chat(tokenizer, "x").row(_said(("user", "hi")), '{"a":1}')
    text = tokenizer.decode(row.ids)
    assert text.endswith('<|im_start|>assistant\n{"a":1}<|im_end|>')
    assert tokenizer.decode(row.ids[row.n_prompt :]) == '{"a":1}<|im_end|>'
    assert row.n_answer == len(row.ids) - row.n_prompt


@pytest.mark.parametrize("key", ["tool_calls", "function_call"])
def test_calls_of_tools_are_refused(tokenizer: Any, key: str) -> None:
    call = {"role": "assistant", "content": "", key: [{"id": "1"}]}
    with pytest.raises(FinetuneError, match="calls a tool"):
        Chat(tokenizer).prompt_ids([*_said(("user", "hi")), call])


@pytest.mark.parametrize("content", [None, 7, [{"type": "image_url"}], "\ud800"])
def test_what_is_no_text_is_refused(tokenizer: Any, content: Any) -> None:
    with pytest.raises(FinetuneError, match=r"text"):
        Chat(tokenizer).prompt_ids(_said(("user", content)))
