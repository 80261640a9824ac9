"""What the cache costs on a request's way, beyond the embedding and the search (`tests.bench.cache_index` has that).

Run as `python -m tests.bench.cache_path`. CPU of this thread, microseconds, median of rounds: a hit on the exact path
from an SQLite file (lookup as the pipeline calls it), the verifier's sketch of a prompt, its comparison with one and
with four cached prompts, and the gate's choice among eight neighbours.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from stepwell.base.config import CacheConfig
from stepwell.base.embedding import RequestVector
from stepwell.base.messages import Answer, Choice, Message, encode_json
from stepwell.base.minilm import MiniLM
from stepwell.base.request import Caller, ChatRequest
from stepwell.memory.cache.cache import Cache
from stepwell.memory.cache.gate.gate import Gate
from stepwell.memory.cache.gate.near import Near
from stepwell.memory.cache.verifier import Verifier
from stepwell.memory.store import Record

N_ROUNDS, N_CALLS = 15, 200


def us(call: Callable[[], object]) -> float:
    """Median CPU of one call."""
    found = []
    for _ in range(N_ROUNDS):
        began_s = time.thread_time()
        for _ in range(N_CALLS):
            call()
        found.append((time.thread_time() - began_s) / N_CALLS * 1e6)
    return median(found)


async def exact_us(folder: Path) -> float:
    config = CacheConfig(path=str(folder / "cache.sqlite3"), semantic="off")
    cache = Cache(config, versions="bench", embedder_name="none")
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Why is the sky blue?"},
    ]
    request = ChatRequest.build({"messages": messages, "temperature": 0}, Caller("acme"))
    answer = Answer(
        [Choice(Message("assistant", "Because air scatters blue light most."), finish_reason="stop")]
    )
    nothing = RequestVector(None, "")
    lookup = await cache.lookup(request, nothing, scope="auto")
    await cache.write(lookup, body=encode_json(answer), answer=answer, tier="t", model="m", cost_usd=0.001)
    await asyncio.sleep(0.1)  # on the disk by now
    found = []
    for _ in range(N_ROUNDS):
        began_s = time.thread_time()
        for _ in range(N_CALLS):
            assert (await cache.lookup(request, nothing, scope="auto")).entry is not None
        found.append((time.thread_time() - began_s) / N_CALLS * 1e6)
    await cache.close()
    return median(found)


def pairs_us() -> dict[str, float]:
    demo = resources.files("stepwell.evals") / "suites" / "cache_demo.jsonl"
    texts = [json.loads(line)["query"] for line in demo.read_text("utf-8").splitlines()[:200]]
    vectors, _, pieces = MiniLM().embed_tokens(texts)
    verifier, draw = Verifier.load(), random.Random(0)
    sketches = [verifier.sketch(text, p) for text, p in zip(texts, pieces, strict=True)]

    def sketch() -> None:
        i = draw.randrange(len(texts))
        verifier.sketch(texts[i], pieces[i])

    def compare(n: int) -> None:
        i, *others = draw.sample(range(len(texts)), n + 1)
        verifier.log_odds(
            sketches[i], [sketches[j] for j in others], [float(vectors[i] @ vectors[j]) for j in others]
        )

    gate = Gate(0.02)
    near = [Near(f"answer{i // 2}", 0.95 - 0.03 * i, 2.0 - i if i < 4 else None) for i in range(8)]
    records, sizes = {"answer0": Record(3, 1)}, {f"answer{i}": i + 1 for i in range(4)}
    return {
        "sketch of a prompt": us(sketch),
        "verifier, one candidate": us(lambda: compare(1)),
        "verifier, four candidates": us(lambda: compare(4)),
        "gate, eight neighbours": us(lambda: gate.choose(near, records, sizes)),
    }


def main() -> None:
    with TemporaryDirectory() as folder:
        print(f"{'exact hit, SQLite file':28} {asyncio.run(exact_us(Path(folder))):8.1f} us")
    for name, cost_us in pairs_us().items():
        print(f"{name:28} {cost_us:8.1f} us")


if __name__ == "__main__":
    main()
