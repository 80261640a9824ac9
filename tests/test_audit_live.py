"""The audit of a whole house: it names every tier that was asked, and holds no word of anybody."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell import Stepwell
from stepwell.base.errors import GuardBlocked, HeldForReview, StepwellError, TierUnavailable
from stepwell.guards.audit_report import AuditReport, report_of
from stepwell.testing import FakeTier
from tests.house import QUICK
from tests.support.ladders import cascading, well_of

KEEP = {"check": "email", "action": "keep_to", "tiers": ["cheap", "other"]}
DOWN = TierUnavailable("down", tier="cheap")
CASES = st.fixed_dictionaries(
    {
        "cascades": st.booleans(),
        "fails": st.booleans(),
        "streams": st.booleans(),
        "cached": st.booleans(),
        "output": st.sampled_from([None, "escalate", "reask", "redact", "block"]),
        "asks": st.sampled_from([{}, {"tier": "dear"}, {"min_tier": "other"}, {"tenant": "quaggakeepers"}]),
        "is_bound": st.booleans(),
    }
)


def report(path: Path) -> AuditReport:
    return report_of(path.read_bytes().splitlines())


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


async def ends(well: Stepwell, text: str, *, is_stream: bool, **asks: Any) -> None:
    try:
        if not is_stream:
            await well.achat(text, **asks)
            return
        async for _ in await well.astream(text, **asks):
            pass
    except StepwellError:
        return


@settings(max_examples=60, deadline=None)
@given(CASES)
async def test_it_names_every_tier_that_was_asked_and_no_words(
    tmp_path_factory: pytest.TempPathFactory, case: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("audit") / "a.jsonl"
    said = f"quux{secrets.token_urlsafe(12)}"
    replies: list[Any] = [DOWN, f"mail {said}@b.example"] if case["fails"] else [f"mail {said}@b.example"]
    fakes = {"cheap": FakeTier(replies), "other": FakeTier("12"), "dear": FakeTier(f"{said} 12")}
    output = [{"check": "email", "action": case["output"]}] if case["output"] else []
    make = cascading if case["cascades"] else well_of
    well = make(
        *fakes.values(),
        guards={"input": [KEEP], "output": output, "audit": {"path": str(path)}},
        cache={"exact": case["cached"], "semantic": "off"},
        dispatch={**QUICK, "max_retries": 1, "failures_before_cooldown": 100},
    )
    prompt = f"{said} zebras? {'a@b.example' if case['is_bound'] else ''}"
    async with well:
        for _ in range(2):
            await ends(
                well, prompt, is_stream=case["streams"], user=said, metadata={said: said}, **case["asks"]
            )
    found = lines(path)
    assert len(found) == 2
    asked = Counter(a["tier"] for line in found for a in line.get("asked", ()) if a["outcome"] != "kept_from")
    assert asked == Counter({name: len(fake.requests) for name, fake in fakes.items() if fake.requests})
    assert {tuple(line.get("keep_to", ())) for line in found} == {
        ("cheap", "other") if case["is_bound"] else ()
    }
    assert report(path).astray == []
    written = path.read_text()
    for secret in (said, "quaggakeepers", "a@b.example"):
        assert not any(secret[i : i + 8] in written for i in range(len(secret) - 7))


async def test_a_cached_answer_names_its_hit_and_its_tier(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    guards = {"input": [KEEP], "output": [], "audit": {"path": str(path)}}
    cache = {"exact": True, "semantic": "off", "pii": True}
    async with well_of(FakeTier("hello"), guards=guards, cache=cache) as well:
        for _ in range(2):
            await well.achat("write to a@b.example")
    first, hit = lines(path)
    assert (first["cache"], [a["tier"] for a in first["asked"]]) == ("miss", ["cheap"])
    assert (hit["cache"], hit["tier"], "asked" in hit, hit["keep_to"]) == (
        "hit",
        "cheap",
        False,
        ["cheap", "other"],
    )
    assert hit["cache_id"]
    assert hit["messages"] == first["messages"]


async def test_what_was_blocked_held_or_left_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rules = [{"check": "iban", "action": "block"}, {"check": "email", "action": "review"}]
    tier = FakeTier("one two three four five six")
    async with well_of(tier, guards={"input": rules, "output": [], "audit": {"path": str(path)}}) as well:
        with pytest.raises(GuardBlocked):
            await well.achat("pay DE89370400440532013000")
        with pytest.raises(HeldForReview) as held:
            await well.achat("write to a@b.example")
        stream = await well.astream("count")
        await anext(aiter(stream))
        await stream.aclose()
    blocked, waits, left = lines(path)
    assert (blocked["status"], blocked["input"]["action"], blocked["input"]["kinds"]) == (
        400,
        "block",
        ["IBAN"],
    )
    assert (waits["input"]["action"], waits["input"]["review_id"]) == ("review", held.value.review_id)
    assert (left["status"], left["input"]["action"], left["asked"][0]["outcome"]) == (499, "allow", "ok")
    assert "asked" not in blocked


async def test_a_name_that_is_no_tiers_is_hashed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    guards = {"input": [], "output": [], "audit": {"path": str(path)}}
    async with well_of(FakeTier("hello"), guards=guards) as well:
        with pytest.raises(StepwellError):
            await well.achat("hello", keep_to=["my zebra's secret name"])
        await well.achat("hello", keep_to=["cheap"])
    wrong, right = lines(path)
    assert "zebra" not in path.read_text()
    assert len(wrong["keep_to"]) == 1
    assert (right["keep_to"], right["tier"]) == (["cheap"], "cheap")
