"""What a deployment lets an answer grow to."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from stepwell.base.request import ChatRequest
from stepwell.router.tiers.base import Outgoing

MESSAGES = [{"role": "user", "content": "hi"}]


def sent(outgoing: Outgoing, **fields: Any) -> dict[str, Any]:
    body = outgoing.body(ChatRequest.build({"messages": MESSAGES, **fields}), is_stream=False)
    return {k: v for k, v in msgspec.json.decode(body).items() if k.startswith("max_")}


@pytest.mark.parametrize(("small", "large"), [(5, 9000), (9000, 5)])
def test_the_larger_of_two_limits_counts_and_both_are_capped(small: int, large: int) -> None:
    both = {"max_tokens": small, "max_completion_tokens": large}
    assert ChatRequest.build({"messages": MESSAGES, **both}).wire.max_output_tokens == 9000
    capped = sent(Outgoing("m", max_output_tokens=50), **both)
    assert capped == {"max_tokens": 50, "max_completion_tokens": 50}


def test_a_default_limit_stands_only_where_the_caller_set_none() -> None:
    outgoing = Outgoing("m", default_output_tokens=64)
    assert sent(outgoing) == {"max_tokens": 64}
    assert sent(outgoing, max_completion_tokens=900) == {"max_completion_tokens": 900}
