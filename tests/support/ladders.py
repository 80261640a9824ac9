"""Wells that look at answers: three tiers on fakes, plans, calibrations, and a tier that says how sure it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from stepwell import Stepwell
from stepwell.base.decisions import CascadePlan, Decision
from stepwell.base.messages import Event, decode_answer, decode_chunk
from stepwell.base.request import ChatRequest
from stepwell.router.cascade.confidence import Calibration
from stepwell.router.cascade.run import make_ladder
from stepwell.router.tiers.base import Completed
from stepwell.testing import FakeTier
from tests.house import CHEAP, DEAR, NO_CACHE, QUICK

OTHER = {**CHEAP, "model": "fake/other", "usd_per_1m_input": 1.5, "usd_per_1m_output": 3.0}
CAN = {"capabilities": ["json_schema", "logprobs"]}
PLAN = CascadePlan(("cheap", "other"), "number", 0.5, ("dear",))
ASK = "What is 7 + 5?"
LOCAL = "smollm2-135m-instruct"
JSON = {"response_format": {"type": "json_object"}}


def well_of(
    cheap: FakeTier, other: FakeTier | None = None, dear: FakeTier | None = None, **sections: Any
) -> Stepwell:
    plain: dict[str, Any] = {
        "tiers": {"cheap": CHEAP | CAN, "other": OTHER | CAN, "dear": DEAR | CAN},
        "cache": NO_CACHE,
        "guards": {"input": [], "output": []},
        "dispatch": QUICK,
        "promises": {"min_p_ok": 0, "max_usd_per_day": 1000},
    }
    fakes = {"cheap": cheap, "other": other or FakeTier("other"), "dear": dear or FakeTier("dear")}
    return Stepwell(backends=fakes, **{**plain, **sections})


def cascading(*fakes: FakeTier, plan: CascadePlan = PLAN, **sections: Any) -> Stepwell:
    """A well whose router plans `plan` for every request."""
    well = well_of(*fakes, routing={"cascade": "on"}, **sections)
    decide = well.pipeline.router.decide

    async def decide_so(request: ChatRequest, **asks: Any) -> Decision:
        return msgspec.structs.replace(await decide(request, **asks), cascade=plan)

    well.pipeline.router.decide = decide_so  # type: ignore[method-assign]
    return well


def confident(well: Stepwell, known: Mapping[str, Calibration], labels: list[Any] | None = None) -> Stepwell:
    """The well with these calibrations; what checks find goes to `labels`."""
    pipeline, found = well.pipeline, [] if labels is None else labels
    ladder = make_ladder(
        well.config.routing,
        pipeline.dispatcher,
        pipeline.router.tiers,
        confidence=known,
        on_label=lambda request, label: found.append((label.tier, label.score, label.source, label.why)),
    )
    well.pipeline = replace(pipeline, ladder=ladder)
    return well


def cost_of(fake: FakeTier, price: Mapping[str, Any], n_out: int = 1) -> float:
    n_in = sum(sum(len(m.text) for m in r.messages) // 4 + 1 for r in fake.requests)
    n_asked = len(fake.requests)
    return float(n_in * price["usd_per_1m_input"] + n_asked * n_out * price["usd_per_1m_output"]) * 1e-6


class Sure(FakeTier):
    """Says how sure it is of each word, where it is asked to."""

    def __init__(self, words: str, logprobs: list[float], **more: Any) -> None:
        super().__init__(words, **more)
        self._logprobs = logprobs

    async def complete(self, request: ChatRequest) -> Completed:
        done = await super().complete(request)
        if bytes(request.fields.get("logprobs", b"")) != b"true":
            return done
        body = msgspec.json.decode(done.body)
        body["choices"][0]["logprobs"] = {"content": [{"token": "x", "logprob": p} for p in self._logprobs]}
        whole = msgspec.json.encode(body)
        return Completed(whole, decode_answer(whole))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[list[Event], None]:
        is_asked = bytes(request.fields.get("logprobs", b"")) == b"true"
        left = list(self._logprobs)
        source = super().stream(request)
        try:
            async for events in source:
                yield [self._with(e, left) if is_asked else e for e in events]
        finally:
            await source.aclose()

    def _with(self, event: Event, left: list[float]) -> Event:
        fields = msgspec.json.decode(event.payload)
        if fields["choices"] and fields["choices"][0]["delta"].get("content") and left:
            fields["choices"][0]["logprobs"] = {"content": [{"token": "x", "logprob": left.pop(0)}]}
        payload = msgspec.json.encode(fields)
        return Event(payload, decode_chunk(payload))


# p_ok is 1/2 at a smallest log-probability of -1, and falls with it
KNOWN = {"cheap": Calibration(4.0, 4.0, accept_above=0.5)}
ON = {"confidence": "on"}


def asks(fake: FakeTier) -> list[bool]:
    return [bytes(r.fields.get("logprobs", b"")) == b"true" for r in fake.requests]
