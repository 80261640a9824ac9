"""What packing a conversation costs: CPU of one `pack`, of adding a message, and memory, at growing lengths.

Run as `python -m tests.bench.context_pack [--turns 600 10000 100000]`. Messages of about 30 words are mixed from the
halves of the shipped demo conversations' turns, with the embeddings of those; each question is embedded beforehand.
A budget of 4,000 tokens. CPU time of this process (all its threads: set OMP_NUM_THREADS=1), ms; the first call,
which indexes what was added, counts as part of adding. `search` is the part of `Index.relevance`; `later` are
the second half of the calls, which meet few messages that were not counted before.
"""

from __future__ import annotations

import argparse
import gzip
import random
import time
from importlib import resources
from statistics import median

import msgspec

from stepwell.base.config.context import EmbeddingConfig
from stepwell.base.embedding import load_embedder
from stepwell.base.messages import Message
from stepwell.evals.context.read import read_talks
from stepwell.evals.context.recalled import Recalled
from stepwell.evals.context.talk import Talk
from stepwell.memory.context.packing.pack import pack
from stepwell.memory.context.packing.packed import Packed, Room
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.thread.thread import Thread

ROOM = Room(4000, "gpt-4o")
N_CALLS = 120
N_WARM = 5
DAY_S = 86_400.0


class Row(msgspec.Struct):
    """One length's figures."""

    n_turns: int
    p50_ms: float
    p95_ms: float
    search_p95_ms: float
    later_p95_ms: float
    add_us: float
    mib: float


def demo() -> list[Talk]:
    """The shipped conversations."""
    file = resources.files("stepwell.evals") / "suites" / "context_demo.jsonl.gz"
    return read_talks(gzip.decompress(file.read_bytes()))


def pieces() -> tuple[list[str], list[bytes], list[Query]]:
    """Texts of turns, their marks, and questions."""
    embedder = load_embedder(EmbeddingConfig())
    texts: list[str] = []
    marks: list[bytes] = []
    queries: list[Query] = []
    for talk in demo():
        recalled = Recalled(talk, embedder)
        texts += [turn.said for turn in talk.turns]
        marks += recalled.marks
        queries += recalled.queries(talk.questions)
    return texts, marks, queries


def grown(n_turns: int, texts: list[str], marks: list[bytes], query: Query) -> tuple[Thread, float]:
    """A thread of that many messages; and CPU of adding one, microseconds."""
    draw = random.Random(n_turns)
    made = []
    for i in range(n_turns):
        a, b = draw.randrange(len(texts)), draw.randrange(len(texts))
        words = texts[a].split() + texts[b].split()
        message = Message("assistant" if i % 2 else "user", " ".join(words[: draw.randint(10, 50)]))
        made.append((message, i // 20 * DAY_S + 1.6e9, marks[a]))
    thread = Thread()
    began_s = time.process_time()
    for message, at_s, mark in made:
        thread.add(message, at_s=at_s, mark=mark)
    pack(thread, query, [ROOM])  # indexes the first of what was added
    while thread.read(1000):  # as the server does behind its requests
        pass
    return thread, (time.process_time() - began_s) / n_turns * 1e6


def row(n_turns: int, texts: list[str], marks: list[bytes], queries: list[Query]) -> Row:
    thread, add_us = grown(n_turns, texts, marks, queries[0])
    draw = random.Random(0)
    whole: list[float] = []
    search: list[float] = []
    for n in range(N_WARM + N_CALLS):
        query = draw.choice(queries)
        sent = [Message("user", query.text)]
        began_s = time.process_time()
        (found,) = pack(thread, query, [ROOM], sent=sent)
        packed_s = time.process_time()
        thread.index.relevance(query)
        done_s = time.process_time()
        assert isinstance(found, Packed)
        assert found.n_tokens <= ROOM.n_tokens
        if n >= N_WARM:
            whole.append((packed_s - began_s) * 1e3)
            search.append((done_s - packed_s) * 1e3)
    return Row(
        n_turns,
        median(whole),
        _p95(whole),
        _p95(search),
        _p95(whole[N_CALLS // 2 :]),
        add_us,
        thread.n_bytes / 2**20,
    )


def _p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * len(values))]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.context_pack", description=__doc__)
    parser.add_argument("--turns", type=int, nargs="+", default=[600, 10_000, 100_000])
    given = pieces()
    row(50, *given)  # loads weights and vocabulary
    print(
        f"{'turns':>8} {'p50 ms':>8} {'p95 ms':>8} {'search p95':>11} {'later p95':>10} {'add us':>8} {'MiB':>8}"
    )
    for n_turns in parser.parse_args().turns:
        r = row(n_turns, *given)
        times = f"{r.p50_ms:8.2f} {r.p95_ms:8.2f} {r.search_p95_ms:11.2f} {r.later_p95_ms:10.2f}"
        print(f"{r.n_turns:8,} {times} {r.add_us:8.0f} {r.mib:8.1f}", flush=True)


if __name__ == "__main__":
    main()
