"""A stand-in for a premium model, on loopback: it knows the rows it will be asked, and errs as often as it is told.

No paid model can be asked here, so figures with it show what routing does with a tier that is that good at that price.
They say nothing about any real model.
"""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from types import TracebackType

from stepwell.evals.suite import Row

_CHARS_PER_TOKEN = 4
# the pattern that short_questions ships ends in the right word
_LAST_WORD = re.compile(r"\\b([^\\()]+)\\b\Z")


def right_answer(row: Row, known: dict[str, str]) -> str:
    """An answer that the row's scorer takes.

    Args:
        known: Right answers by id, of rows whose target is a pattern.
    """
    if row.id in known:
        return known[row.id]
    target = row.targets[0]
    found = _LAST_WORD.search(target) if row.scorer == "regex" else None
    return found[1].replace("u?", "u") if found else target


def wrong_answer(row: Row) -> str:
    """An answer that the row's scorer refuses, in the shape of a right one where that is JSON."""
    if row.scorer == "json":
        wanted = json.loads(row.targets[0])
        if isinstance(wanted, dict) and wanted:
            return json.dumps({**wanted, list(wanted)[-1]: None})
    return "Nobody knows."


def known_answers() -> dict[str, str]:
    """The right answers that ship with the suite `chatbot`, by `chatbot:<id>`."""
    text = (resources.files("stepwell.evals") / "suites" / "chatbot_answers.jsonl").read_text("utf-8")
    return {f"chatbot:{row['id']}": row["right"][0] for row in map(json.loads, text.splitlines())}


class StandIn:
    """An OpenAI-compatible server that answers rows.

    Args:
        error_rate: Share of the rows that it gets wrong, drawn by their ids: the same ones each time.
    """

    def __init__(self, rows: Iterable[Row], *, error_rate: float) -> None:
        known = known_answers()
        self._answers = {
            _asked(row.messages): wrong_answer(row)
            if random.Random(f"stand-in {row.id}").random() < error_rate
            else right_answer(row, known)
            for row in rows
        }

    def answer(self, messages: object) -> str:
        """What it says; rows that it does not know get a sentence that says so."""
        return self._answers.get(_asked(messages), "I have not been told about this.")

    def __enter__(self) -> StandIn:
        stand_in = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                body = json.dumps(_body(asked, stand_in.answer(asked["messages"]))).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is logged."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _asked(messages: object) -> str:
    said = messages if isinstance(messages, list) else []
    return json.dumps([[m.get("role"), m.get("content")] for m in said])


def _body(asked: dict[str, object], answer: str) -> dict[str, object]:
    n_in = max(1, len(_asked(asked["messages"])) // _CHARS_PER_TOKEN)
    n_out = max(1, len(answer) // _CHARS_PER_TOKEN)
    return {
        "id": "stand-in",
        "object": "chat.completion",
        "created": 0,
        "model": asked.get("model", "stand-in"),
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": n_in, "completion_tokens": n_out, "total_tokens": n_in + n_out},
    }
