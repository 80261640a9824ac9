"""Replay recorded requests through the router; no tier is called."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

from stepwell.base.decisions import Decision
from stepwell.base.errors import BadRequest, StepwellError
from stepwell.base.request import ChatRequest
from stepwell.base.tokens import estimate_text
from stepwell.router.decide import Router

_FIELDS = ("messages", "tools", "response_format", "max_tokens", "max_completion_tokens")
_FRAME_TOKENS = 4


def replay(rows: Iterable[dict[str, object]], router: Router) -> Iterator[dict[str, object]]:
    """Decide for each row.

    Args:
        rows: Each with `prompt` (text) or `messages`, and an `id` (else its number is taken); `tools`,
            `response_format` and `max_tokens` count as in a request, other columns don't.

    Yields:
        {id, tier, p_ok: {tier: p}, cost_usd, why}; where the router refused, tier is None and `error` has
        its code. Costs in USD, expected.

    Raises:
        BadRequest: A row is no request.
        RuntimeError: Called from within a running event loop.
    """
    with asyncio.Runner() as runner:
        for n, row in enumerate(rows):
            request = _request(row, n)
            found: dict[str, object] = {"id": row.get("id", n)}
            try:
                n_input = sum(estimate_text(m.text) + _FRAME_TOKENS for m in request.messages)
                decision = runner.run(router.decide(request, n_input_tokens=n_input))
            except StepwellError as e:
                yield {**found, "tier": None, "p_ok": {}, "cost_usd": None, "why": str(e), "error": e.code}
            else:
                yield {**found, **_told(decision)}


def _request(row: dict[str, object], n: int) -> ChatRequest:
    fields = {k: row[k] for k in _FIELDS if k in row}
    if "messages" not in fields:
        prompt = row.get("prompt")
        if not isinstance(prompt, str):
            raise BadRequest(f"Row {n} needs `prompt` (a text) or `messages`.", param="prompt")
        fields["messages"] = [{"role": "user", "content": prompt}]
    return ChatRequest.build(fields)


def _told(decision: Decision) -> dict[str, object]:
    chosen = decision.estimate(decision.tier)
    return {
        "tier": decision.tier,
        "p_ok": {e.tier: e.p_ok for e in decision.estimates},
        "cost_usd": chosen.cost_usd if chosen is not None else None,
        "why": decision.why,
    }
