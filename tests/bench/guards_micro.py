"""What the rule guards cost, all of them on: CPU a streamed token, and CPU a prompt and answer.

Run: `python -m tests.bench.guards_micro [--json]`. Each event is fed alone, as an upstream sends it.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Callable

from stepwell.base.assemble import answer_body
from stepwell.base.config import CheckConfig, GuardsConfig
from stepwell.base.messages import Answer, Choice, Event, Message, decode_chunk, encode_json
from stepwell.base.request import ChatRequest
from stepwell.guards.guard import Guard

CHECKS = ("secrets", "email", "phone", "credit_card", "iban", "us_ssn", "ip_address")
PROMPT_CHARS, ANSWER_CHARS, N_STREAM_TOKENS = 600, 1024, 1000
_TOKEN = re.compile(r" ?[A-Za-zÀ-ÿ]{1,8}|[0-9]{1,3}| ?[^\sA-Za-zÀ-ÿ0-9]{1,3}|\s")

PROSE = (
    "The old well stood behind the mill, and nobody in the village could say who had dug it. In summer, children "
    "came down the stone steps to sit where the air was cool; in winter the steps froze, and a rope was hung "
    "beside them. She wrote all of this in a notebook, slowly, as though the key to the house lay in its secret "
    "corners. “Why,” asked the clerk, “would anyone care?” That is a fair question - one that a careful "
    "reader should keep in mind before the next chapter begins.\n\n"
)
NUMBERS = (
    "Between 2024-05-12 and 2024-06-03 we sold 1,250 items for $12,499.90, about 37.5% more than in 2023 (908). "
    "At 10:45 the build of v3.11.4 took 128.6 s on x86_64; sha256 sums and utf8 names were fine, h264 was not. "
    "Chapter 7 has 12 tables, pages 101-119, and ISO 8601 dates. Row 3: 17 / 250 = 0.068. Use int32 for ids below "
    "2147483647, port 8080, 4 x 16 GB, 3 to 5 days, section 2.1.3. By 12/03/2025 it was 1.5 million; 24 of 36.\n"
)
DENSE = (
    "Write to jane.doe@example.org or call +44 20 7888 8577. Card 4111 1111 1111 1111, SSN 413-18-7830, account "
    "GB82 WEST 1234 5698 7654 32 from 218.68.44.86, password: hunter2-and-more. Mobile (206) 479-4041, "
    "ghp_VIdwC05iwldnysNKJJKj5dGKe7bfSGxcJy6v, fe80::1ff:fe23:4567:890a and postgres://ann:cCp4fj@db.net/app.\n"
)
_ZQ = [f" zq{i}" for i in range(100)]


def _repeat(text: str, n_chars: int) -> str:
    return (text * (n_chars // len(text) + 1))[:n_chars]


def event_of(text: str) -> Event:
    """A piece of an answer, as an upstream streams it."""
    payload = encode_json({"id": "c", "choices": [{"index": 0, "delta": {"content": text}}]})
    return Event(payload, decode_chunk(payload))


TEXTS = {"zq tokens": "".join(_ZQ), "prose": PROSE, "numbers-rich": NUMBERS, "PII-dense": DENSE}


def _tokens(name: str) -> list[str]:
    tokens = _ZQ if name == "zq tokens" else _TOKEN.findall(TEXTS[name])
    return (tokens * (N_STREAM_TOKENS // len(tokens) + 1))[:N_STREAM_TOKENS]


def _best_us(run: Callable[[], object], *, n_rounds: int, n_runs: int) -> float:
    """Least CPU time of one run, in us, over some rounds: the machine may be shared."""
    times = []
    for _ in range(n_rounds):
        begun = time.process_time()
        for _ in range(n_runs):
            run()
        times.append((time.process_time() - begun) / n_runs)
    return min(times) * 1e6


def stream_us_per_token(guard: Guard, name: str) -> float:
    """CPU of the guard a streamed token of the text called `name`."""
    events = [[event_of(t)] for t in _tokens(name)]

    def run() -> None:
        stream = guard.open_stream()
        assert stream is not None
        for one in events:
            stream.feed(one)
        stream.finish()

    return _best_us(run, n_rounds=7, n_runs=3) / len(events)


def exchange_us(guard: Guard, name: str) -> float:
    """CPU of checking one prompt and one answer of the text called `name`."""
    request = ChatRequest.build({"messages": [Message("user", _repeat(TEXTS[name], PROMPT_CHARS))]})
    answer = Answer([Choice(Message("assistant", _repeat(TEXTS[name], ANSWER_CHARS)))])
    body = answer_body(answer)

    async def measure() -> list[float]:
        times = []
        for _ in range(9):
            begun = time.process_time()
            for _ in range(50):
                await guard.check_input(request)
                await guard.check_output(body, answer)
            times.append((time.process_time() - begun) / 50)
        return times

    return min(asyncio.run(measure())) * 1e6


def measure() -> dict[str, tuple[float, float]]:
    """By kind of text: us a streamed token, us a prompt and answer."""
    checks = [CheckConfig(check=c) for c in CHECKS]
    guard = Guard(GuardsConfig(input=checks, output=checks))
    return {name: (stream_us_per_token(guard, name), exchange_us(guard, name)) for name in TEXTS}


def main() -> None:
    measured = measure()
    if "--json" in sys.argv:
        print(json.dumps(measured))
        return
    print(f"{'text':14}{'us/token streamed':>19}{'us/prompt+answer':>18}")
    for name, (token_us, text_us) in measured.items():
        print(f"{name:14}{token_us:>19.2f}{text_us:>18.1f}")


if __name__ == "__main__":
    main()
