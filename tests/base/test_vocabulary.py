from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiktoken

from stepwell.base import vocabulary
from stepwell.base.errors import ConfigError
from stepwell.base.vocabulary import encoding_for


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("openai/gpt-4.1", "o200k_base"),
        ("openai/gpt-4.1-2025-04-14", "o200k_base"),
        ("gpt-4o-mini", "o200k_base"),
        ("openai/gpt-4", "cl100k_base"),
        ("openai/gpt-3.5-turbo", "cl100k_base"),
        ("openrouter/openai/gpt-3.5-turbo-0125", "cl100k_base"),
        ("groq/openai/gpt-oss-120b", "o200k_base"),
        ("openai/text-davinci-003", "o200k_base"),
        ("anthropic/claude-sonnet-5", "o200k_base"),
        ("local//models/some.gguf", "o200k_base"),
    ],
)
def test_counts_with_the_models_own_vocabulary(model: str, encoding: str) -> None:
    text = "Das Straßenverkehrsamt hat geöffnet; 東京は晴れ。 print(f'{x!r}') <|endoftext|>"
    with vocabulary._offline_vocabulary(encoding):
        expected = len(tiktoken.get_encoding(encoding).encode(text, disallowed_special=()))
    assert len(encoding_for(model).encode_ordinary(text)) == expected


def test_the_two_vocabularies_differ_on_the_text_above() -> None:
    text = "Das Straßenverkehrsamt hat geöffnet; 東京は晴れ。"
    old, new = encoding_for("openai/gpt-4"), encoding_for("openai/gpt-4o")
    assert len(old.encode_ordinary(text)) != len(new.encode_ordinary(text))


def run_python(code: str, **env: str) -> str:
    plain = {k: v for k, v in os.environ.items() if k != "TIKTOKEN_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**plain, **env}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_counts_offline_without_importing_litellm_or_touching_the_environment() -> None:
    code = """
import os, socket, sys
def refuse(*args): raise OSError("no network here")
socket.socket.connect = refuse
from stepwell.base import tokens
from stepwell.base.messages import Message
tokens.upper_bound([Message("user", "hello")])
assert "tiktoken" not in sys.modules
n = tokens.count_text("hello world", "gpt-4.1")
assert "litellm" not in sys.modules
assert "TIKTOKEN_CACHE_DIR" not in os.environ
print(n)
"""
    assert run_python(code) == "2"


def test_a_users_own_vocabulary_folder_wins(tmp_path: Path) -> None:
    name = vocabulary._CACHE_NAMES["o200k_base"]
    (tmp_path / name).symlink_to(vocabulary._vocabulary_folder("o200k_base") / name)
    code = """
import importlib.util, os
from stepwell.base import tokens
importlib.util.find_spec = None
print(tokens.count_text("hello world", "gpt-4.1"), os.environ["TIKTOKEN_CACHE_DIR"])
"""
    assert run_python(code, TIKTOKEN_CACHE_DIR=str(tmp_path)) == f"2 {tmp_path}"


def test_a_missing_vocabulary_is_told_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="TIKTOKEN_CACHE_DIR"):
        vocabulary._vocabulary_folder("o200k_base")
