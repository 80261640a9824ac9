"""What `stepwell ask` says of a reply."""

from __future__ import annotations

import pytest

from stepwell.base.decisions import CacheDecision, Trace
from stepwell.base.messages import Usage
from stepwell.base.reply import Reply
from stepwell.front.cli.ask import footer


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        (CacheDecision("miss", "not sure enough", 0.9, "h", p_same=0.4), "cache: miss"),
        (CacheDecision("hit", age_s=61.2), "cache: hit (61 s old)"),
        (CacheDecision("semantic_hit", p_same=0.9876, age_s=3.0), "cache: semantic_hit (p 0.988, 3 s old)"),
    ],
)
def test_the_footer_says_how_sure_a_hit_is_and_how_old(decision: CacheDecision, told: str) -> None:
    reply = Reply(b"{}", "cheap", "fake", 0.0, Usage(), Trace("x", cache=decision))
    assert footer(reply)[0].endswith(told)
