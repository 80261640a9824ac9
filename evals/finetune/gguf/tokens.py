"""Greedy answers of llama.cpp as token ids, from prompts as token ids: nothing is cut into tokens a second time."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from stepwell.evals.finetune.data.example import FinetuneError

START_TIMEOUT_S = 120.0
ANSWER_TIMEOUT_S = 300.0


class TokenServer:
    """llama.cpp with one adapter always on, in a process of its own; a context manager.

    Args:
        model: GGUF.
        adapter: GGUF; None: the model alone.
        is_exact: float32 keys and values, plain attention; else as llama.cpp serves by default.
        window_tokens: Longest prompt and answer together.
    """

    def __init__(
        self,
        model: Path,
        adapter: Path | None = None,
        *,
        is_exact: bool,
        window_tokens: int = 2048,
        n_threads: int = 1,
    ) -> None:
        self._args = (
            str(model),
            "-" if adapter is None else str(adapter),
            "exact" if is_exact else "served",
            str(n_threads),
            str(window_tokens),
        )

    def __enter__(self) -> TokenServer:
        """Raises:
        FinetuneError: llama.cpp is not installed, or does not start with these files.
        """
        if importlib.util.find_spec("xllamacpp") is None:
            raise FinetuneError("asking llama.cpp needs the extra 'local': pip install 'stepwell[local]'")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "stepwell.evals.finetune.gguf.token_server", *self._args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        address = urlsplit(self._started())
        if address.hostname is None:
            self._end()
            raise FinetuneError(
                f"llama.cpp did not start with {self._args[0]} and the adapter {self._args[1]}"
            )
        self._http = HTTPConnection(address.hostname, address.port, timeout=ANSWER_TIMEOUT_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()
        self._end()

    def greedy(self, prompt: Sequence[int], n_tokens: int) -> tuple[int, ...]:
        """The likeliest token each time, up to and with the end mark; blocks.

        Raises:
            FinetuneError: The server failed; most often the prompt is longer than the window.
        """
        # a prompt computed anew each time: batches of other sizes round otherwise
        asked = {
            "prompt": list(prompt),
            "n_predict": n_tokens,
            "temperature": 0,
            "return_tokens": True,
            "cache_prompt": False,
        }
        try:
            self._http.request("POST", "/completion", json.dumps(asked), {"Content-Type": "application/json"})
            reply = self._http.getresponse()
            body = json.loads(reply.read())
        except (OSError, HTTPException, ValueError) as e:
            raise FinetuneError(f"llama.cpp failed on {len(prompt)} tokens ({type(e).__name__})") from e
        if reply.status != 200:
            raise FinetuneError(f"llama.cpp refused {len(prompt)} tokens (status {reply.status})")
        return tuple(body["tokens"])

    def _started(self) -> str:
        stdout = self._process.stdout
        assert stdout is not None
        limit = threading.Timer(START_TIMEOUT_S, self._process.kill)
        limit.start()
        try:
            return stdout.readline().decode().strip()
        finally:
            limit.cancel()

    def _end(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
