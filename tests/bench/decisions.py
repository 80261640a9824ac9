"""What a routing decision costs: CPU of the policy alone and of the whole decision, beyond the embedding.

Run: `python -m tests.bench.decisions [--json] [--rows 2000]`. Policies are learnt here, from made rows with made
vectors of 384 numbers; every decision is for another prompt. Goals: 150 us where no embedding is needed, else 500.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: its threads would be counted, too
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import asyncio
import json
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from stepwell.base.config import PromisesConfig, RoutingConfig
from stepwell.base.embedding import RequestVector
from stepwell.base.request import Caller, ChatRequest, Wishes
from stepwell.evals.tune.examples import LearnOptions
from stepwell.evals.tune.learn import learn
from stepwell.evals.tune.replay_router import Embedded
from stepwell.evals.tune.rows import read_outcomes
from stepwell.router.decide import Router
from stepwell.router.features import read_ask
from stepwell.router.learned.policy import Learned
from stepwell.router.policy.base import Policy
from stepwell.router.policy.coldstart import ColdStart
from stepwell.router.policy.heuristic import Heuristic
from stepwell.router.sizes import Sizes
from stepwell.router.tierinfo import TierInfo
from stepwell.router.turns import read_turn

Vectors = NDArray[np.float32]
GOAL_US, GOAL_PLAIN_US = 500.0, 150.0
N_DIM, N_PROMPTS, N_ROUNDS = 384, 1000, 5
_TOPICS = (
    "the patient presents with pain and fever after surgery which diagnosis is most likely given these findings",
    "solve the equation and find the value of the integral where x is a positive integer less than 100",
    "the landlord signed a contract with the tenant who claims that the court lacks jurisdiction in this case",
    "write a function that returns the sorted list of words in a string and explain its complexity",
    "who said that the industrial revolution began because of cheap energy according to the passage above",
)


class Cost(msgspec.Struct, frozen=True):
    """CPU of one decision, in us: the policy's own estimate, and everything (read, price, choose, explain)."""

    name: str
    n_tiers: int
    policy_us: float
    whole_us: float
    goal_us: float


def prompts(n: int, seed: int) -> tuple[list[str], list[int]]:
    """Questions of 20 to 120 words with options, and their topics."""
    chance = random.Random(seed)
    made, topics = [], []
    for i in range(n):
        topic = chance.randrange(len(_TOPICS))
        words = chance.choices(_TOPICS[topic].split(), k=chance.randint(20, 120))
        options = "\n".join(f"{letter}. {' '.join(chance.choices(words, k=5))}" for letter in "ABCD")
        made.append(f"{' '.join(words)} {i}?\n{options}")
        topics.append(topic)
    return made, topics


def vectors(topics: Sequence[int], seed: int) -> Vectors:
    """One a prompt, near its topic's, of length 1."""
    chance = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(len(_TOPICS), N_DIM))
    made = centres[list(topics)] + 0.7 * chance.normal(size=(len(topics), N_DIM))
    found: Vectors = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    return found


def tiers(n: int) -> list[TierInfo]:
    usd = [0.1 * 3**i for i in range(n)]
    able = frozenset({"tools", "json_schema", "images"})
    return [
        TierInfo(f"t{i}", (f"p/t{i}",), 0.4 + 0.5 * i / n, 128_000, 4096, able, u, None, 4 * u, None, False)
        for i, u in enumerate(usd)
    ]


def learnt(n_tiers: int, n_rows: int) -> Learned:
    """A tuned policy with a memory of `n_rows`."""
    texts, topics = prompts(n_rows, 1)
    chance = random.Random(2)
    names = [t.name for t in tiers(n_tiers)]
    rows = [
        {
            "id": f"r{i}",
            "prompt": text,
            "scores": {t: float(chance.random() < 0.9 - 0.1 * topic / (j + 1)) for j, t in enumerate(names)},
            "out_tokens": dict.fromkeys(names, 20 + len(text) % 300),
        }
        for i, (text, topic) in enumerate(zip(texts, topics, strict=True))
    ]
    outcomes = read_outcomes([json.dumps(row) for row in rows], names)
    options = LearnOptions(n_folds=2, n_memory=n_rows)
    made = learn(outcomes, vectors(topics, 3), embedder="made", options=options)
    return Learned(made.bundle.with_promise(price=0.2, min_quality=0.95))


def best_us(run: Callable[[], object], n: int) -> float:
    """Least CPU of one of `n` decisions over some rounds: the machine may be shared."""
    times = []
    for _ in range(N_ROUNDS):
        begun = time.process_time()
        run()
        times.append((time.process_time() - begun) / n)
    return min(times) * 1e6


class Ready:
    """An embedder that costs next to nothing."""

    name, dim = "made", N_DIM

    def __init__(self, row: Vectors) -> None:
        self._row = row[None, :]

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self._row


def cost(name: str, policy: Policy, n_tiers: int, how: str) -> Cost:
    """Args: how: "no vector", "vector there" or "vector by worker"."""
    texts, topics = prompts(N_PROMPTS, 7)
    rows = None if how == "no vector" else vectors(topics, 8)
    by = tiers(n_tiers)
    promises = PromisesConfig(below_floor="flag")
    router = Router(RoutingConfig(policy_timeout_s=5), promises, by, policy=policy, embedder="made")
    bodies = [{"messages": [{"role": "user", "content": text}]} for text in texts]
    requests = [ChatRequest.build(body, Caller(), Wishes()) for body in bodies]
    asks = [
        read_ask(text, vector=None if rows is None else rows[i]) for i, text in enumerate(texts)
    ]  # reading is no part of the policy

    def vector(i: int) -> RequestVector:
        row = None if rows is None else rows[i]
        if row is None or how == "vector there":
            return Embedded(row)
        ready = Ready(row)
        return RequestVector(lambda: ready, texts[i])

    async def whole() -> None:
        for i, request in enumerate(requests):
            await router.decide(request, sizes=Sizes.of(120), vector=vector(i), turn=read_turn(request))

    def estimates() -> None:
        for ask in asks:
            policy.estimate(ask, router.tiers)

    goal = GOAL_PLAIN_US if how == "no vector" else GOAL_US
    with asyncio.Runner() as runner:
        run: Callable[[], Coroutine[Any, Any, None]] = whole
        whole_us = best_us(lambda: runner.run(run()), N_PROMPTS)
    return Cost(f"{name}, {how}", n_tiers, best_us(estimates, N_PROMPTS), whole_us, goal)


def measure(n_rows: int) -> list[Cost]:
    found = [
        cost("heuristic", Heuristic(), 3, "no vector"),
        cost("coldstart", ColdStart(), 3, "no vector"),
        cost("coldstart", ColdStart(), 9, "no vector"),
    ]
    for n_tiers in (2, 9):
        policy = learnt(n_tiers, n_rows)
        for how in ("no vector", "vector there", "vector by worker"):
            found.append(cost("learned", policy, n_tiers, how))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rows", type=int, default=2000, help="in the learned policy's memory")
    args = parser.parse_args()
    found = measure(args.rows)
    if args.json:
        print(msgspec.json.encode(found).decode())
        return
    print(f"CPU us a decision (load average {os.getloadavg()[0]:.1f})")
    print(f"  {'':30}{'tiers':>6}{'policy':>9}{'whole':>9}{'goal':>7}")
    for c in found:
        over = "  over" if c.whole_us > c.goal_us else ""
        print(f"  {c.name:30}{c.n_tiers:>6}{c.policy_us:>9.0f}{c.whole_us:>9.0f}{c.goal_us:>7.0f}{over}")


if __name__ == "__main__":
    main()
