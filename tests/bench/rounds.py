"""One table: peers side by side, round by round, medians."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec

from tests.bench.load import NUMBER, Outcome, Target, drive
from tests.bench.peers import BEARER, Peer, Place
from tests.bench.process import Cores, free_port, quiet_cpu_us, rss_mib, start, stop

START_LIMIT_S = 90.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is asked: `n_tokens` of an answer, streamed or not."""

    title: str
    n_tokens: int
    is_stream: bool
    peers: Sequence[Peer]

    @property
    def model(self) -> str:
        return f"mock-n{self.n_tokens}"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How long to measure: requests at one connection and at 32, and rounds."""

    n_1: int
    n_32: int
    n_rounds: int


@dataclass(slots=True)
class Running:
    """A peer under way."""

    peer: Peer
    target: Target
    process: subprocess.Popen[bytes] | None
    rss_before_mib: float = 0.0

    @property
    def pid(self) -> int | None:
        return None if self.process is None else self.process.pid


class Row(msgspec.Struct, omit_defaults=True):
    """Medians over rounds. `added_ms` and `added_first_ms` count against the mock itself, at one connection."""

    scenario: str
    peer: str
    cpu_us_c1: float = 0.0
    cpu_us_c32: float = 0.0
    cpu_us_token: float | None = None
    added_ms: float = 0.0
    added_first_ms: float | None = None
    rss_before_mib: float = 0.0
    rss_after_mib: float = 0.0
    n_wrong: int = 0
    sample: str = ""


def body(peer: Peer, scenario: Scenario) -> bytes:
    user = ("Explain the routing decision for this request. " * 40)[
        : peer.prompt_bytes - len(NUMBER)
    ] + NUMBER
    messages = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": user}]
    fields: dict[str, object] = {
        "model": peer.model or scenario.model,
        "messages": messages,
        "temperature": 0,
    }
    if scenario.is_stream:
        fields["stream"] = True
    return msgspec.json.encode(fields)


def launch(peer: Peer, scenario: Scenario, folder: Path, upstream_port: int, cores: Cores) -> Running:
    port = upstream_port if peer.command is None else free_port()
    target = Target(port, body(peer, scenario), scenario.n_tokens, BEARER)
    if peer.command is None:
        return Running(peer, target, None)
    command = peer.command(Place(folder, port, upstream_port, scenario.model))
    log = folder / f"{peer.name.replace(' ', '-')}.log"
    return Running(peer, target, start(command, cores=cores.server, log=log, env=peer.env))


@contextmanager
def launched(scenario: Scenario, folder: Path, upstream_port: int, cores: Cores) -> Iterator[list[Running]]:
    running: list[Running] = []
    try:
        for peer in scenario.peers:
            running.append(launch(peer, scenario, folder, upstream_port, cores))
        yield running
    finally:
        for r in running:
            if r.process is not None:
                stop(r.process)


async def ready(running: Running) -> str | None:
    """Wait for the first right answer; else what went wrong."""
    ends = time.monotonic() + START_LIMIT_S
    why = "no answer"
    while time.monotonic() < ends:
        if running.process is not None and running.process.poll() is not None:
            return f"ended with {running.process.returncode}"
        try:
            found = await drive(running.target, 1, 1)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        if not found.n_wrong:
            return None
        why = found.sample
        await asyncio.sleep(0.05)
    return why


async def measure(scenario: Scenario, running: list[Running], sizes: Sizes) -> list[Row]:
    """Warm up, then measure in turns."""
    usable = []
    for r in running:
        lacks = await ready(r)
        if lacks is None:
            usable.append(r)
        else:
            print(f"  {r.peer.name}: left out ({lacks})", flush=True)
    for r in usable:
        r.rss_before_mib = 0.0 if r.pid is None else rss_mib(r.pid)
        await drive(r.target, max(50, int(sizes.n_1 * r.peer.share)), 8)
    found: dict[tuple[str, int], list[tuple[float, Outcome]]] = {}
    for n_lanes, n_requests in ((1, sizes.n_1), (32, sizes.n_32)):
        for _ in range(sizes.n_rounds):
            for r in usable:
                n = max(32, int(n_requests * r.peer.share))
                found.setdefault((r.peer.name, n_lanes), []).append(await _turn(r, n, n_lanes))
    rows = [_row(scenario, r, found) for r in usable]
    return _against_direct(rows)


async def _turn(running: Running, n_requests: int, n_lanes: int) -> tuple[float, Outcome]:
    before_us = 0.0 if running.pid is None else await quiet_cpu_us(running.pid)
    outcome = await drive(running.target, n_requests, n_lanes)
    after_us = 0.0 if running.pid is None else await quiet_cpu_us(running.pid)
    return (after_us - before_us) / max(1, len(outcome.seconds)), outcome


def _row(scenario: Scenario, r: Running, found: dict[tuple[str, int], list[tuple[float, Outcome]]]) -> Row:
    one, many = found[r.peer.name, 1], found[r.peer.name, 32]
    outcomes = [o for _, o in one + many]
    row = Row(scenario.title, r.peer.name, median(c for c, _ in one), median(c for c, _ in many))
    row.added_ms = median(median(o.seconds or [0.0]) for _, o in one) * 1e3
    row.rss_before_mib = r.rss_before_mib
    row.rss_after_mib = 0.0 if r.pid is None else rss_mib(r.pid)
    row.n_wrong = sum(o.n_wrong for o in outcomes)
    row.sample = next((o.sample for o in outcomes if o.sample), "")
    if scenario.is_stream:
        row.cpu_us_token = row.cpu_us_c32 / scenario.n_tokens
        row.added_first_ms = median(median(o.first_s or [0.0]) for _, o in one) * 1e3
    return row


def _against_direct(rows: list[Row]) -> list[Row]:
    base = next((r for r in rows if r.peer == "direct"), None)
    for row in rows:
        if base is not None and row is not base:
            row.added_ms -= base.added_ms
            if row.added_first_ms is not None and base.added_first_ms is not None:
                row.added_first_ms -= base.added_first_ms
    return rows
