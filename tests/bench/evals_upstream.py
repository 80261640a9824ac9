"""The mock of the evals' bench: it adds up what a question names, in a worked answer of ordinary length."""

from __future__ import annotations

import asyncio
import re
import sys

import msgspec

from tests.support import payloads
from tests.support.upstream import Connection, State

_NUMBERS = re.compile(rb"picks (\d+) apples.* picks (\d+) more")
WORKED = "First count the apples of the morning, then those of the afternoon, and add both up. " * 2
LENGTH = 235


def question(n: int) -> tuple[str, int]:
    """The n-th question, and its answer."""
    a, b = 20 + n % 79, 10 + n % 89
    text = (
        f"In the {n:06d}th orchard of the valley a farmer picks {a} apples in the morning, when it is still cool, "
        f"and after a long rest in the shade of the old trees she picks {b} more before the evening comes. "
    )
    return text.ljust(LENGTH - 17, "-") + " How many in all?", a + b


class Adding(Connection):
    """Answers a POST with the sum, anything else with the number of questions so far."""

    def _answer(self, head: bytes, body: bytes) -> None:
        counts = self._state.counts
        if not head.startswith(b"POST "):
            self.transport.write(payloads.sized(200, b"%d" % counts["requests"]))
            return
        counts["requests"] += 1
        found = _NUMBERS.search(body)
        total = sum(int(n) for n in found.groups()) if found is not None else -1
        self.transport.write(payloads.sized(200, answer(f"{WORKED}\n#### {total}")))


def answer(text: str) -> bytes:
    usage = {"prompt_tokens": 60, "completion_tokens": 45, "total_tokens": 105}
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return msgspec.json.encode(
        {
            "id": "mock-1",
            "object": "chat.completion",
            "created": 1,
            "model": "mock",
            "choices": [choice],
            "usage": usage,
        }
    )


async def run() -> None:
    loop = asyncio.get_running_loop()
    state = State()
    server = await loop.create_server(lambda: Adding(state), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(run())
