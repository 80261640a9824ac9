"""The fault table: what a caller of the real server gets for each fault of the upstream."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.client import ask, post
from tests.support.served import Sections, Served, sections, tier, wait_until
from tests.support.upstream import Upstream

Start = Callable[[Sections], Served]

# fault of the upstream -> status and code at the only tier there is
BEFORE_ANY_TOKEN = {
    "mock-e429": (429, "rate_limited 429"),
    "mock-e503": (503, "tier_unavailable 503"),
    "mock-e500": (503, "tier_unavailable 500"),
    "mock-e401": (503, "tier_unavailable 401"),
    "mock-drop": (503, "tier_unavailable"),
    "mock-html": (503, "tier_unavailable 200"),
    "mock-hanghead": (504, "timeout"),
}
WHOLE = {
    **BEFORE_ANY_TOKEN,
    "mock-hangmid": (504, "timeout"),
    "mock-reset": (503, "tier_unavailable"),
    "mock-cut": (503, "tier_unavailable"),
    "mock-garbage": (503, "tier_unavailable 200"),
    "mock-empty": (503, "tier_unavailable 200"),
    "mock-huge": (503, "tier_unavailable"),
    "mock-long": (504, "timeout"),
    "mock-short": (503, "tier_unavailable"),
}
DEADLINE_S = 0.6


def one_tier(upstream: Upstream, model: str) -> Sections:
    return sections({"only": tier(upstream.base_url, model)}, timeout_s=DEADLINE_S)


def two_tiers(upstream: Upstream, model: str) -> Sections:
    tiers = {
        "cheap": tier(upstream.base_url, model, quality=0.9),
        "dear": tier(upstream.base_url, "mock-n5", quality=0.9, usd_per_1m_output=20),
    }
    return sections(tiers, timeout_s=DEADLINE_S * 2, try_share=0.5)


def is_clean(server: Served, upstream: Upstream) -> None:
    """Nothing is left of what failed: places, tasks, and connections beyond the idle ones that may be reused."""
    wait_until(server.is_idle)
    wait_until(lambda: server.n_tasks <= 2)  # the server's own, and its lifespan
    wait_until(lambda: upstream.n_open <= 1)


@pytest.mark.parametrize("model", WHOLE)
async def test_only_tier_fails(model: str, upstream: Upstream, served: Start) -> None:
    status, tried = WHOLE[model]
    server = served(one_tier(upstream, model))
    got = await post(server.url, ask())
    assert got.status == status
    assert got.error["code"] == "all_tiers_failed"
    assert got.error["message"] == f"1 tries failed: only {tried}"
    assert got.seconds < DEADLINE_S + 1
    assert upstream.n_requests == 1
    is_clean(server, upstream)


@pytest.mark.parametrize("model", [*BEFORE_ANY_TOKEN, "mock-early"])
async def test_only_tier_fails_before_the_first_token(model: str, upstream: Upstream, served: Start) -> None:
    status, _ = BEFORE_ANY_TOKEN.get(model, (503, ""))
    server = served(one_tier(upstream, model))
    got = await post(server.url, ask(stream=True))
    assert got.status == status
    assert got.error["code"] == "all_tiers_failed"
    assert got.headers["content-type"] == "application/json"
    assert got.seconds < DEADLINE_S + 1
    is_clean(server, upstream)


@pytest.mark.parametrize("model", WHOLE)
async def test_next_tier_answers(model: str, upstream: Upstream, served: Start) -> None:
    server = served(two_tiers(upstream, model))
    got = await post(server.url, ask())
    assert got.status == 200
    assert got.n_tokens == 5
    assert got.headers["x-stepwell-tier"] == "dear"
    assert "answered by dear after cheap" in got.headers["x-stepwell-why"]
    is_clean(server, upstream)


@pytest.mark.parametrize("model", [*BEFORE_ANY_TOKEN, "mock-early"])
async def test_next_tier_streams(model: str, upstream: Upstream, served: Start) -> None:
    server = served(two_tiers(upstream, model))
    got = await post(server.url, ask(stream=True))
    assert got.status == 200
    assert got.n_tokens == 5
    assert got.is_done
    assert got.headers["x-stepwell-tier"] == "dear"
    is_clean(server, upstream)


@pytest.mark.parametrize(
    "model", ["mock-reset", "mock-cut", "mock-unfinished", "mock-errorevent", "mock-garbage"]
)
async def test_break_after_first_token(model: str, upstream: Upstream, served: Start) -> None:
    """What was streamed stands, then an error event; never [DONE], never another tier's answer."""
    server = served(two_tiers(upstream, f"{model}-i50"))
    got = await post(server.url, ask(stream=True))
    assert got.status == 200
    assert got.n_tokens == 1
    assert got.events[-1]["error"]["code"] == "stream_broken"
    assert not got.is_done
    assert upstream.n_requests == 1
    is_clean(server, upstream)


async def test_refused_connection(upstream: Upstream, served: Start) -> None:
    nobody = tier("http://127.0.0.1:9/v1", "mock-n5")
    server = served(sections({"only": nobody}))
    got = await post(server.url, ask())
    assert got.status == 503
    assert got.error["message"] == "1 tries failed: only tier_unavailable"
    assert got.seconds < 1


async def test_retry_after_is_waited_for(upstream: Upstream, served: Start) -> None:
    server = served(sections({"only": tier(upstream.base_url, "mock-n5")}, timeout_s=5, max_retries=1))
    upstream.script("mock-e429-r1")
    got = await post(server.url, ask())
    assert got.status == 200
    assert got.n_tokens == 5
    assert got.seconds >= 1
    assert upstream.n_requests == 2


async def test_retry_after_beyond_the_deadline_reaches_the_caller(upstream: Upstream, served: Start) -> None:
    server = served(sections({"only": tier(upstream.base_url, "mock-e429-r7")}, max_retries=2))
    got = await post(server.url, ask())
    assert got.status == 429
    assert got.headers["retry-after"] == "7"
    assert got.error["type"] == "rate_limit_error"
    assert got.seconds < 1
    assert upstream.n_requests == 1


async def test_retries_then_answers(upstream: Upstream, served: Start) -> None:
    server = served(sections({"only": tier(upstream.base_url, "mock-n5")}, max_retries=2))
    upstream.script("mock-e503", "mock-drop")
    got = await post(server.url, ask())
    assert got.status == 200
    assert got.headers["x-stepwell-why"].endswith("after only tier_unavailable, only tier_unavailable")
    assert upstream.n_requests == 3


async def test_all_tiers_down(upstream: Upstream, served: Start) -> None:
    tiers = {
        "cheap": tier(upstream.base_url, "mock-e503", quality=0.9),
        "dear": tier(upstream.base_url, "mock-hanghead", quality=0.9, usd_per_1m_output=20),
    }
    server = served(sections(tiers, timeout_s=DEADLINE_S))
    got = await post(server.url, ask())
    assert got.status == 504
    assert got.error["message"] == "2 tries failed: cheap tier_unavailable 503, dear timeout"
    assert "SECRET" not in got.body.decode()
    assert got.seconds < DEADLINE_S + 1
    is_clean(server, upstream)


async def test_upstream_calls_the_request_wrong(upstream: Upstream, served: Start) -> None:
    server = served(two_tiers(upstream, "mock-e400"))
    got = await post(server.url, ask())
    assert got.status == 400
    assert got.error["code"] == "upstream_refused"
    assert "SECRET" not in got.body.decode()
    assert upstream.n_requests == 1


async def test_caller_may_shorten_the_deadline(upstream: Upstream, served: Start) -> None:
    server = served(sections({"only": tier(upstream.base_url, "mock-hanghead")}, timeout_s=30))
    got = await post(server.url, ask(), {"x-stepwell-timeout-s": "0.2"})
    assert got.status == 504
    assert got.seconds < 2
