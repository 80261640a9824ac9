"""A process that writes to a store until it is killed, and what must be true of its file afterwards."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import stepwell
from stepwell.memory.sqlite_store import SqliteStore
from stepwell.memory.store import Entry, Tally

STORED_AT_S, READ_AT_S, EXPIRES_AT_S = 1.0, 1.5, 2.0
TENANTS = ("t", "doomed")

# what it prints was sent `sent` to the store at that time; `sure` is on the disk
_WRITE_FOREVER = """
import asyncio, sys, time
from tests.memory.killing import write_forever
asyncio.run(write_forever(*sys.argv[1:]))
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What a killed process had said.

    Attributes:
        sure: The last number that it had been told is on the disk.
        sent: For each number, when it had sent it, in s before it was killed.
    """

    sure: int
    sent: dict[int, float]


def made(n: int) -> Entry:
    key = hashlib.sha256(str(n).encode()).digest()
    body = key * (1 + n % 200)
    return Entry(
        str(n), key, TENANTS[n % 7 == 0], "u", body, "l", "m", 0.0, STORED_AT_S, EXPIRES_AT_S, float(n)
    )


async def write_forever(path: str, first: str) -> None:
    store, n = SqliteStore(path, max_entries_per_tenant=10**9), int(first)
    while True:
        entry = made(n)
        await store.put(entry)
        store.judged(entry.hit_id, is_same=n % 2 == 0)
        store.note(entry.key)
        store.count([Tally(n // 100, "hit", 1, 0.5, 0.5)])
        if n % 16 == 0:
            await store.attach(
                entry.hit_id,
                answer_id=entry.hit_id,
                partition=b"p",
                vector=entry.key,
                sketch=entry.body,
                expires_at_s=EXPIRES_AT_S,
            )
            print("sure", n, time.monotonic(), flush=True)
        elif n % 97 == 0:
            store.erase(tenant="doomed")
            print("sure", n, time.monotonic(), flush=True)
        else:
            print("sent", n, time.monotonic(), flush=True)
        n += 1


def killed_while_it_writes(path: str, first: int, *, after_s: float) -> Said:
    """Let a process write from number `first` on, and kill it."""
    root = str(Path(stepwell.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": root}
    args = [sys.executable, "-c", _WRITE_FOREVER, path, str(first)]
    with subprocess.Popen(args, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        killed_at_s = time.monotonic()
        lines += process.stdout.read().splitlines(keepends=True)
    sure, sent = first - 1, {}
    for line in lines:
        if line.endswith("\n"):
            what, n, at_s = line.split()
            sent[int(n)] = killed_at_s - float(at_s)
            sure = int(n) if what == "sure" else sure
    return Said(sure, sent)


async def faults(path: str, first: int, said: Said) -> list[str]:
    """What is wrong with the file that a killed process left: torn, half, or lost for longer than a second."""
    store = SqliteStore(path)
    found = []
    if store._connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
        found.append("the file is corrupt")
    if store._connection.execute("PRAGMA foreign_key_check").fetchall():
        found.append("rows lead nowhere")
    for n, age_s in said.sent.items():
        wanted = made(n)
        got = await store.get(wanted.key, now_s=READ_AT_S)
        if got is not None and got != wanted:
            found.append(f"{n} is torn")
        must_be_there = wanted.tenant != "doomed" and (n <= said.sure or age_s > 1.0)
        if got is None and must_be_there:
            found.append(f"{n} is lost after {age_s:.3f} s")
    for row in store.vectors_after(b"p", 0, now_s=READ_AT_S, limit=10**6):
        owner = await store.find(row.answer_id, now_s=READ_AT_S)
        if owner is None or owner.key != row.vector:
            found.append("a vector leads nowhere")
        elif store.sketches(b"p", [row.seq]) != {row.seq: owner.body}:
            found.append("a sketch is torn")
    await store.close()
    return found
