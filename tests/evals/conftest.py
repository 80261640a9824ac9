"""A well to stand in for a real one, and a suite to run."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from stepwell.base.decisions import Trace
from stepwell.base.errors import StepwellError
from stepwell.base.messages import Answer, Choice, Message, Usage, encode_json
from stepwell.base.reply import Reply
from stepwell.evals.suite import Suite


@dataclass(frozen=True)
class Tier:
    name: str
    models: tuple[str, ...] = ("test/adder",)
    missing_key: str | None = None


class AddingWell:
    """Adds the numbers in a prompt; "weak" errs where the sum ends in 0 or 5.

    Faults: `fail(n)` gives the error of the n-th call or None.
    """

    def __init__(self, *, fail: Any = None, delay_s: float = 0.0, cost_usd: float = 2.5e-6) -> None:
        self.tiers = [Tier("weak"), Tier("strong"), Tier("keyless", missing_key="SOME_API_KEY")]
        self.fail = fail
        self.delay_s = delay_s
        self.cost_usd = cost_usd
        self.calls: list[dict[str, Any]] = []
        self.asked: Counter[tuple[str, str]] = Counter()

    async def achat(
        self,
        messages: str | list[dict[str, Any]],
        *,
        model: str = "auto",
        tier: str | None = None,
        cache: bool = True,
        **params: Any,
    ) -> Reply:
        assert isinstance(messages, list)
        n = len(self.calls)
        self.calls.append({"tier": tier, "cache": cache, **params})
        # not asyncio.sleep(0): answers shall come in another order than questions
        await asyncio.sleep(self.delay_s * random.random())
        error: StepwellError | None = self.fail(n) if self.fail else None
        if error is not None:
            raise error
        prompt = str(messages[-1]["content"])
        served = tier or "strong"
        self.asked[served, prompt] += 1
        total = sum(int(d) for d in re.findall(r"\d+", prompt))
        text = f"#### {total + (served == 'weak' and total % 5 == 0)}"
        body = encode_json(Answer([Choice(Message("assistant", text))]))
        return Reply(body, served, "test/adder", self.cost_usd, Usage(7, 3, 10), Trace("t"))


@pytest.fixture
def make_well() -> type[AddingWell]:
    return AddingWell


@pytest.fixture
def sums() -> Suite:
    rows = [
        {"id": f"sum-{i}", "prompt": f"{i} + {i + 1}", "target": 2 * i + 1, "scorer": "numeric"}
        for i in range(40)
    ]
    return Suite.parse((encode_json(r).decode() for r in rows), name="sums")
