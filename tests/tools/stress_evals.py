"""Runs under fire, over HTTP: `python -m tests.tools.stress_evals`, with one of these.

`--kills 100` ends `stepwell eval run` by SIGKILL at random moments, takes it up again, and counts what the upstream
was asked twice. `--refuse .2`, `--places 8` and `--per-s 100` measure how a run gets on with an upstream that answers
429.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from pathlib import Path

import yaml
from aiohttp import web

from stepwell import Stepwell
from stepwell.base.config import Config
from stepwell.base.messages import encode_json
from stepwell.evals.entries import read
from stepwell.evals.folder import RunFolder
from stepwell.evals.report import from_folder
from stepwell.evals.run import RunOptions, run_suite
from stepwell.evals.suite import Suite

KEY_ENV = "STEPWELL_STRESS_KEY"
TIERS = ("small", "large")


class Limits:
    """What an upstream refuses: a share at random, what exceeds its places, or its rate."""

    def __init__(
        self, *, refuse: float = 0.0, places: int = 10**9, per_s: float = 0.0, retry_after: str = ""
    ) -> None:
        self.refuse, self.places, self.per_s, self.retry_after = refuse, places, per_s, retry_after
        self.n_out = self.n_asked = self.n_refused = 0
        self.tokens, self.filled_s = per_s / 10, time.monotonic()

    def takes(self) -> bool:
        now_s = time.monotonic()
        self.tokens = min(self.per_s / 10, self.tokens + (now_s - self.filled_s) * self.per_s)
        self.filled_s = now_s
        if random.random() < self.refuse or self.n_out >= self.places or (self.per_s and self.tokens < 1):
            return False
        self.tokens -= 1
        return True


class Upstream:
    """Counts what it is asked, by tier and prompt, and answers the same each time."""

    def __init__(self, limits: Limits, latency_s: float) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self.limits, self.latency_s = limits, latency_s
        self._was_asked = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        prompt, model = body["messages"][-1]["content"], body["model"]
        limits = self.limits
        limits.n_asked += 1
        self._was_asked.set()
        if not limits.takes():
            limits.n_refused += 1
            headers = {"retry-after": limits.retry_after} if limits.retry_after else {}
            return web.json_response({"error": {"message": "busy"}}, status=429, headers=headers)
        self.asked[model, prompt] += 1
        limits.n_out += 1
        await asyncio.sleep(self.latency_s)
        limits.n_out -= 1
        n = int(prompt.split()[0])
        said = {"role": "assistant", "content": f"#### {n + 1 + (n % 7 == 0 and model == 'small')}"}
        usage = {"prompt_tokens": 20 + n % 5, "completion_tokens": 5, "total_tokens": 25 + n % 5}
        choice = {"index": 0, "message": said, "finish_reason": "stop"}
        return web.json_response(
            {
                "id": "x",
                "object": "chat.completion",
                "created": 1,
                "model": model,
                "choices": [choice],
                "usage": usage,
            }
        )

    async def after(self, n: int, wait_s: float) -> None:
        """Wait for n more requests, and then so long."""
        target = self.limits.n_asked + n
        while self.limits.n_asked <= target:
            self._was_asked.clear()
            await self._was_asked.wait()
        await asyncio.sleep(wait_s)

    async def serve(self) -> tuple[web.AppRunner, str]:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        return runner, f"http://127.0.0.1:{port}/v1"


def sections(base_url: str) -> dict[str, object]:
    tier = {"base_url": base_url, "api_key_env": KEY_ENV, "window_tokens": 8192}
    prices = {"small": (0.1, 0.4), "large": (2.5, 10.0)}
    tiers = {
        name: {**tier, "model": f"openai/{name}", "usd_per_1m_input": i, "usd_per_1m_output": o}
        for name, (i, o) in prices.items()
    }
    return {
        "tiers": tiers,
        "guards": {"input": [], "output": []},
        "cache": {"exact": False, "semantic": "off"},
        "dispatch": {"max_retries": 0, "cooldown_s": 0},
    }


def rows(n: int) -> bytes:
    made = (
        {"id": f"r{i}", "prompt": f"{i} and one more", "target": i + 1, "scorer": "numeric"} for i in range(n)
    )
    return b"".join(encode_json(row) + b"\n" for row in made)


async def kills(n_kills: int, n_rows: int, seed: int) -> int:
    """End a run n times; 0 where nothing finished was asked again and every report is the uninterrupted one."""
    upstream = Upstream(Limits(), 0.01)
    runner, base_url = await upstream.serve()
    rng = random.Random(seed)
    n_done = n_again = n_runs = n_other = 0
    with tempfile.TemporaryDirectory() as folder:
        command = _prepare(Path(folder), base_url, n_rows)
        whole = Path(folder, "whole")
        await (await _start(command, whole)).wait()
        wanted = _told(whole)
        while n_done < n_kills:
            out = Path(folder, f"run-{n_runs}")
            killed, again = await _killed_run(upstream, command, out, rng)
            n_done, n_again, n_runs = n_done + killed, n_again + again, n_runs + 1
            n_other += _told(out) != wanted or _in_any_order(out, rng) != _told(out, with_times=True)
            print(
                f"{n_done} kills, {n_runs} runs of {2 * n_rows}: again {n_again}, other {n_other}", flush=True
            )
    await runner.cleanup()
    print(f"finished requests asked again: {n_again}; reports unlike the uninterrupted one: {n_other}")
    return int(n_again > 0 or n_other > 0)


async def _killed_run(
    upstream: Upstream, command: Sequence[str], out: Path, rng: random.Random
) -> tuple[int, int]:
    """Kill one run again and again until it gets to its end; kills, and finished requests that were asked again."""
    upstream.asked.clear()
    settled: dict[tuple[str, str], int] = {}
    n_kills = n_again = 0
    while True:
        process = await _start(command, out)
        was_killed = await _killed(process, upstream, rng)
        n_again += sum(upstream.asked[sample] - n for sample, n in settled.items())
        if not was_killed:
            return n_kills, n_again
        n_kills += 1
        settled = {sample: upstream.asked[sample] for sample in _finished(out)}


async def _killed(process: asyncio.subprocess.Process, upstream: Upstream, rng: random.Random) -> bool:
    """Kill a run some requests after its start, or while it starts; False where it ended before."""
    ending = asyncio.create_task(process.wait())
    if rng.random() < 0.15:
        point: Awaitable[object] = asyncio.sleep(rng.uniform(0.05, 1.5))
    else:
        point = upstream.after(int(rng.expovariate(1 / 150)), rng.uniform(0, 0.02))
    waiting = asyncio.ensure_future(point)
    await asyncio.wait({ending, waiting}, return_when=asyncio.FIRST_COMPLETED)
    was_ended = ending.done()
    if not was_ended:
        process.kill()
    waiting.cancel()
    await ending
    return not was_ended


def _prepare(folder: Path, base_url: str, n_rows: int) -> list[str]:
    """Write configuration and suite; the command but for its folder."""
    config, suite = folder / "stepwell.yaml", folder / "suite.jsonl"
    config.write_text(yaml.safe_dump(sections(base_url)))
    suite.write_bytes(rows(n_rows))
    run = [sys.executable, "-m", "stepwell.front.cli.main", "eval", "run", str(suite)]
    return [*run, "--config", str(config), "--tiers", ",".join(TIERS), "--baseline", "large", "--out"]


async def _start(command: Sequence[str], out: Path) -> asyncio.subprocess.Process:
    quiet = asyncio.subprocess.DEVNULL
    env = {**os.environ, KEY_ENV: "x"}
    return await asyncio.create_subprocess_exec(*command, str(out), stdout=quiet, stderr=quiet, env=env)


def _told(out: Path, *, with_times: bool = False) -> bytes:
    return encode_json(from_folder(RunFolder.of(out)).as_dict(with_times=with_times))


def _in_any_order(out: Path, rng: random.Random) -> bytes:
    """The report, times and all, of the same journal with its lines shuffled."""
    shuffled = out.with_name("shuffled")
    shutil.rmtree(shuffled, ignore_errors=True)
    shutil.copytree(out, shuffled)
    lines = (out / "journal.jsonl").read_bytes().splitlines(keepends=True)
    rng.shuffle(lines)
    (shuffled / "journal.jsonl").write_bytes(b"".join(lines))
    return _told(shuffled, with_times=True)


def _finished(out: Path) -> set[tuple[str, str]]:
    journal = out / "journal.jsonl"
    if not journal.exists():
        return set()
    ended = read(journal)[1].values()
    return {(o.tier, f"{o.row[1:]} and one more") for o in ended if o.score is not None}


async def refusals(limits: Limits, n_rows: int, concurrency: int, latency_s: float) -> int:
    """One run against an upstream that refuses; 0 where no sample was lost."""
    upstream = Upstream(limits, latency_s)
    runner, base_url = await upstream.serve()
    suite = Suite.parse(rows(n_rows).decode().splitlines(), name="stress")
    with tempfile.TemporaryDirectory() as folder:
        async with Stepwell(Config.make(sections(base_url))) as well:
            began_s = time.perf_counter()
            report = await run_suite(
                well,
                suite,
                tiers=["large"],
                journal_path=Path(folder, "j"),
                options=RunOptions(concurrency=concurrency),
            )
            took_s = time.perf_counter() - began_s
    await runner.cleanup()
    (tier,) = report.tiers
    at_once = min(concurrency, limits.places)
    ideal_s = n_rows / (1 - limits.refuse) * latency_s / at_once
    if limits.per_s:
        ideal_s = max(ideal_s, n_rows / limits.per_s)
    shown = {
        "scored": tier.n_scored,
        "errors": tier.n_errors,
        "quality": tier.quality,
        "wall_s": round(took_s, 2),
        "ideal_s": round(ideal_s, 2),
        "ratio": round(took_s / ideal_s, 3),
        "refused_share": round(limits.n_refused / limits.n_asked, 3),
    }
    print(json.dumps(shown))
    return int(tier.n_scored != n_rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--refuse", type=float, default=0.0)
    parser.add_argument("--places", type=int, default=10**9)
    parser.add_argument("--per-s", type=float, default=0.0)
    parser.add_argument("--latency-s", type=float, default=0.05)
    parser.add_argument("--retry-after", default="")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    args = parser.parse_args()
    os.environ[KEY_ENV] = "x"
    if args.kills:
        return asyncio.run(kills(args.kills, args.rows, args.seed))
    limits = Limits(refuse=args.refuse, places=args.places, per_s=args.per_s, retry_after=args.retry_after)
    return asyncio.run(refusals(limits, args.rows, args.concurrency, args.latency_s))


if __name__ == "__main__":
    sys.exit(main())
