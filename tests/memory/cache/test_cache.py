"""The cache through its public face."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepwell.base.messages import Answer, FunctionCall, ToolCall
from stepwell.base.request import Wishes

SKY = "why is the sky blue today"
SKY_TOO = "why is the sky so blue today"  # .93 by the bag of words
GRASS = "how green does grass get in winter"
TOOLS = [{"type": "function", "function": {"name": "f"}}]

Make = Callable[..., Any]


async def test_the_same_request_is_a_hit(asker: Make, kit: Any) -> None:
    a = asker()
    assert (await a.ask(kit.chat(SKY))).decision.status == "miss"
    hit = await a.look(kit.chat(SKY, stream=True))
    assert hit.decision.status == "hit"
    assert hit.entry is not None
    assert (hit.entry.tier, hit.entry.model, hit.entry.cost_usd) == ("local", "m", 0.01)
    assert b"An answer." in hit.entry.body
    assert hit.decision.hit_id == hit.entry.hit_id
    stats = a.cache.stats()
    assert (stats.n_lookups, stats.n_hits, stats.n_misses, stats.n_stored) == (2, 1, 1, 1)
    assert stats.saved_usd == pytest.approx(0.01)


@pytest.mark.parametrize("semantic", ["off", "serve"])
async def test_an_entry_expires_at_its_age_however_often_it_hits(
    asker: Make, kit: Any, clock: Any, semantic: str
) -> None:
    a = asker(ttl_s=100, semantic=semantic, least=0.9)
    await a.ask(kit.chat(SKY))
    for _ in range(3):
        clock.now_s += 33
        assert (await a.look(kit.chat(SKY))).entry is not None
        assert (await a.look(kit.chat(SKY_TOO))).decision.status == (
            "semantic_hit" if semantic == "serve" else "miss"
        )
    clock.now_s += 1
    assert (await a.look(kit.chat(SKY))).entry is None
    assert (await a.look(kit.chat(SKY_TOO))).entry is None


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"wishes": Wishes(cache=False)}, "bypass"),
        ({"n": 2}, "bypass"),
        ({"n": 1}, "miss"),
        ({"tools": TOOLS}, "miss"),
        ({"tenant": None}, "miss"),
    ],
)
async def test_what_may_not_be_cached_is_passed_by(asker: Make, kit: Any, fields: Any, status: str) -> None:
    a = asker()
    lookup = await a.ask(kit.chat(SKY, **fields))
    assert lookup.decision.status == status
    assert lookup.decision.reason or status != "bypass"
    again = await a.look(kit.chat(SKY, **fields))
    assert again.decision.status == ("hit" if status == "miss" else "bypass")


async def test_off_means_off(asker: Make, kit: Any) -> None:
    a = asker(exact=False, semantic="off")
    await a.ask(kit.chat(SKY))
    assert (await a.look(kit.chat(SKY))).decision.status == "off"
    assert a.cache.stats().n_stored == 0


async def test_without_exact_only_meaning_serves(asker: Make, kit: Any) -> None:
    a = asker(exact=False, semantic="serve", least=0.9)
    await a.ask(kit.chat(SKY))
    assert (await a.look(kit.chat(SKY))).decision.status == "semantic_hit"


CALL = ToolCall("1", "function", FunctionCall("f", "{}"))


@pytest.mark.parametrize(
    ("made", "is_degraded"),
    [
        ({"finish": "length"}, False),
        ({"finish": "content_filter"}, False),
        ({"finish": "tool_calls"}, False),
        ({"finish": None}, False),
        ({"tool_calls": [CALL]}, False),
        ({"text": ""}, False),
        ({"text": " \n"}, False),
        ({}, True),
    ],
)
async def test_only_a_whole_answer_is_kept(asker: Make, kit: Any, made: Any, is_degraded: bool) -> None:
    a = asker()
    lookup = await a.look(kit.chat(SKY))
    answer = kit.answer_of(**made)
    await a.cache.write(
        lookup, body=b"{}", answer=answer, tier="t", model="m", cost_usd=0.0, is_degraded=is_degraded
    )
    assert (await a.look(kit.chat(SKY))).decision.status == "miss"
    assert a.cache.stats().n_not_stored == 1


async def test_no_choice_or_two_are_not_kept(asker: Make, kit: Any) -> None:
    a = asker()
    for n in (0, 2):
        answer = Answer(kit.answer_of().choices * n)
        await a.cache.write(
            await a.look(kit.chat(SKY)), body=b"{}", answer=answer, tier="t", model="m", cost_usd=0.0
        )
    assert a.cache.stats().n_not_stored == 2


async def test_shadow_never_serves_and_never_waits(asker: Make, kit: Any) -> None:
    a = asker(least=0.9)
    await a.ask(kit.chat(SKY))
    lookup = await a.look(kit.chat(SKY_TOO))
    assert lookup.decision.status == "miss"
    assert lookup.entry is None
    assert a.vectors[-1].n_asked == 0  # the vector is asked for after the reply only


async def test_shadow_counts_what_would_have_been_served(asker: Make, kit: Any) -> None:
    a = asker(least=0.9)
    first = await a.ask(kit.chat(SKY))
    assert first.decision.reason == "no neighbour"
    would_be = await a.ask(kit.chat(SKY_TOO))
    assert would_be.entry is None
    assert would_be.decision.status == "shadow_hit"
    assert would_be.decision.hit_id is None  # nothing was served that could be reported
    far = await a.ask(kit.chat(GRASS))
    assert far.decision.status == "miss"
    assert far.decision.similarity is not None
    assert far.decision.similarity < 0.9
    stats = a.cache.stats()
    assert (stats.n_shadow_hits, stats.n_semantic_hits, stats.n_compared) == (1, 0, 3)
    assert stats.shadow_saved_usd == pytest.approx(0.01)


async def test_serve_answers_a_near_neighbour(asker: Make, kit: Any) -> None:
    a = asker(semantic="serve", least=0.9)
    await a.ask(kit.chat(SKY))
    hit = await a.look(kit.chat(SKY_TOO))
    assert hit.decision.status == "semantic_hit"
    assert hit.decision.similarity == pytest.approx(0.926, abs=0.01)
    assert hit.entry is not None
    assert (await a.look(kit.chat(GRASS))).decision.status == "miss"
    late = await a.look(kit.chat(SKY_TOO), is_late=True)
    assert (late.decision.status, late.decision.reason) == ("miss", "no vector in time")


OTHERS: list[dict[str, Any]] = [
    {"tenant": "other"},
    {"tenant": None},
    {"system": "Answer in French."},
    {"history": ("how much does a kite cost in Delft", "Ten euros.")},
    {"temperature": 0.1},
    {"model": "gpt-4.1"},
    {"response_format": {"type": "json_object"}},
    {"tools": TOOLS},
    {"x_unknown": 1},
    {"wishes": Wishes(min_tier="premium")},
]


@pytest.mark.parametrize("other", OTHERS, ids=lambda o: next(iter(o)))
async def test_neighbours_of_another_partition_are_never_served(asker: Make, kit: Any, other: Any) -> None:
    a = asker(semantic="serve", least=-1)
    await a.ask(kit.chat(SKY))
    assert (await a.look(kit.chat(SKY_TOO))).decision.status == "semantic_hit"
    for prompt in (SKY, SKY_TOO):
        assert (await a.look(kit.chat(prompt, **other))).decision.status == "miss"


async def test_scope_and_versions_part_the_cache(asker: Make, kit: Any, tmp_path: Path) -> None:
    one = asker(semantic="serve", least=-1, path=str(tmp_path / "c.db"))
    two = asker(semantic="serve", least=-1, path=str(tmp_path / "c.db"), versions="v2")
    await one.ask(kit.chat(SKY))
    assert (await one.look(kit.chat(SKY), scope="tier:local")).decision.status == "miss"
    assert (await two.look(kit.chat(SKY))).decision.status == "miss"


@pytest.mark.parametrize("fields", [{"tenant": None}, {"tools": TOOLS}, {"tenant": ""}])
async def test_exact_only_requests_are_never_embedded(asker: Make, kit: Any, fields: Any) -> None:
    for mode in ("off", "shadow", "serve"):
        a = asker(semantic=mode)
        await a.ask(kit.chat(SKY, **fields))
        assert a.vectors[-1].n_asked == 0


async def test_off_by_meaning_never_embeds(asker: Make, kit: Any) -> None:
    a = asker(semantic="off")
    await a.ask(kit.chat(SKY))
    assert a.vectors[-1].n_asked == 0


async def test_a_followup_is_exact_only(asker: Make, kit: Any) -> None:
    a = asker(semantic="serve", least=-1)
    history = ("which train goes to Delft", "The sprinter.")
    await a.ask(kit.chat("how long does it take on a sunday", history=history))
    near = await a.look(kit.chat("how long does it take on a monday", history=history))
    assert (near.decision.status, near.decision.reason) == ("miss", "exact only: follow-up")
    assert (
        await a.look(kit.chat("how long does it take on a sunday", history=history))
    ).decision.status == "hit"


async def test_report_bad_deletes_the_entry(asker: Make, kit: Any) -> None:
    a = asker(semantic="serve", least=0.9)
    await a.ask(kit.chat(SKY))
    hit = await a.look(kit.chat(SKY_TOO))
    assert await a.cache.report_bad(hit.decision.hit_id)
    assert not await a.cache.report_bad(hit.decision.hit_id)
    assert (await a.look(kit.chat(SKY_TOO))).decision.status == "miss"
    assert (await a.look(kit.chat(SKY))).decision.status == "miss"
    assert a.cache.stats().n_reported_bad == 1


async def test_erase_takes_a_user_or_a_tenant(asker: Make, kit: Any) -> None:
    a = asker(semantic="serve", least=0.9)
    for prompt, tenant, user in [(SKY, "acme", "ann"), (GRASS, "acme", "bob"), (SKY, "other", "ann")]:
        await a.ask(kit.chat(prompt, tenant=tenant, user=user))
    assert await a.cache.erase(tenant="acme", user="ann") == 1
    assert (await a.look(kit.chat(SKY_TOO))).entry is None
    assert (await a.look(kit.chat(GRASS))).entry is not None
    assert (await a.look(kit.chat(SKY, tenant="other"))).entry is not None
    assert await a.cache.erase(tenant="acme") == 1
    assert (await a.look(kit.chat(GRASS))).entry is None
    assert await a.cache.erase(tenant="acme") == 0


async def test_an_erased_entry_does_not_come_back_from_the_background(asker: Make, kit: Any) -> None:
    a = asker(semantic="serve", least=0.9)
    lookup = await a.look(kit.chat(SKY))
    await a.cache.write(lookup, body=b"{}", answer=kit.answer_of(), tier="t", model="m", cost_usd=0.0)
    assert await a.cache.erase(tenant="acme") == 1  # before the vector is there
    await a.cache.drain()
    assert (await a.look(kit.chat(SKY))).entry is None
    assert (await a.look(kit.chat(SKY_TOO))).entry is None


async def test_a_new_cache_finds_what_an_old_one_wrote(asker: Make, kit: Any, tmp_path: Path) -> None:
    config = {"semantic": "serve", "least": 0.9, "path": str(tmp_path / "c.db")}
    old = asker(**config)
    await old.ask(kit.chat(SKY))
    await old.cache.close()
    new = asker(**config)
    assert (await new.look(kit.chat(SKY))).decision.status == "hit"
    assert (await new.look(kit.chat(SKY_TOO))).decision.status == "semantic_hit"


async def test_two_caches_on_one_file_see_each_other(asker: Make, kit: Any, tmp_path: Path) -> None:
    config = {"semantic": "serve", "least": 0.9, "path": str(tmp_path / "c.db")}
    one, two = asker(**config), asker(**config)
    await one.ask(kit.chat(GRASS))
    assert (await two.look(kit.chat(GRASS + " ok"))).decision.status == "semantic_hit"
    await one.ask(kit.chat(SKY))  # the other's index is in memory by now
    hit = await two.look(kit.chat(SKY_TOO))
    assert hit.decision.status == "semantic_hit"
    assert await one.cache.report_bad(hit.decision.hit_id)
    assert (await two.look(kit.chat(SKY_TOO))).decision.status == "miss"


async def test_ask_at_once_and_pay_once(asker: Make, kit: Any) -> None:
    a = asker()
    n_made = 0

    async def make() -> int:
        nonlocal n_made
        n_made += 1
        await asyncio.sleep(0.01)
        return 7

    lookups = [await a.look(kit.chat(SKY)) for _ in range(20)]
    made = await asyncio.gather(*(a.cache.share(lookup, make) for lookup in lookups))
    assert n_made == 1
    assert sorted(made) == [(7, False)] + [(7, True)] * 19
    assert a.cache.stats().n_shared == 19
    bypassed = [await a.look(kit.chat(SKY, n=2)) for _ in range(3)]
    await asyncio.gather(*(a.cache.share(lookup, make) for lookup in bypassed))
    assert n_made == 4


async def test_a_full_background_queue_skips_and_counts(asker: Make, kit: Any) -> None:
    a = asker()
    for i in range(300):
        lookup = await a.look(kit.chat(f"{SKY} {i}"))
        await a.cache.write(lookup, body=b"{}", answer=kit.answer_of(), tier="t", model="m", cost_usd=0.0)
    await a.cache.drain()
    stats = a.cache.stats()
    assert stats.n_compared + stats.n_not_embedded == stats.n_stored == 300
    assert stats.n_not_embedded > 0


async def test_an_equal_answer_joins_the_neighbours_group(asker: Make, kit: Any) -> None:
    a = asker(least=2)
    await a.ask(kit.chat(SKY), answer=kit.answer_of("scattering"))
    first = (await a.look(kit.chat(SKY))).decision.hit_id
    await a.ask(kit.chat(SKY_TOO), answer=kit.answer_of("scattering"))
    await a.ask(kit.chat(SKY_TOO + " then"), answer=kit.answer_of("clouds"))
    choices = a.likeness.learnt
    assert [(j.source, j.is_same, j.usd, j.s) for j in choices] == [
        ("miss", True, 0.01, 2.0),
        ("miss", False, 0.01, 2.0),
    ]
    a.likeness.least, a.likeness.is_serving = 0.9, True
    serving = asker(semantic="serve", store=a.cache._store)
    hit = await serving.look(kit.chat(SKY_TOO + " so"))
    assert hit.entry is not None
    assert hit.entry.hit_id.partition(".")[0] == first  # one answer for all who mean the same
    other = await serving.look(kit.chat(SKY_TOO + " then then"))
    assert b"clouds" in other.entry.body


async def test_what_nobody_can_judge_teaches_nothing(asker: Make, kit: Any) -> None:
    a = asker()
    await a.ask(kit.chat(SKY))
    await a.ask(kit.chat(SKY_TOO), answer=kit.answer_of("eh?"))
    assert (a.judge.n_asked, a.likeness.learnt) == (1, [])
    stats = a.cache.stats()
    assert (stats.n_judged, stats.n_unsure, stats.n_shadow_hits) == (0, 1, 1)


async def test_an_audit_goes_upstream_and_is_judged(asker: Make, kit: Any) -> None:
    a = asker(semantic="serve", audit_share=0.25)
    await a.ask(kit.chat(SKY))
    a.likeness.audits = 1
    audited = await a.ask(kit.chat(SKY_TOO), answer=kit.answer_of("Another answer."))
    assert (audited.decision.status, audited.decision.reason, audited.entry) == ("miss", "audit", None)
    (judgement,) = a.likeness.learnt
    assert (judgement.source, judgement.is_same, judgement.share) == ("audit", False, 0.25)
    assert judgement.would_serve
    stats = a.cache.stats()
    assert (stats.n_audits, stats.n_shadow_hits, stats.n_semantic_hits) == (1, 0, 0)


async def test_a_reported_hit_teaches_and_takes_its_group_along(asker: Make, kit: Any) -> None:
    a = asker(semantic="serve", least=0.5)
    await a.ask(kit.chat(SKY))
    one = (await a.look(kit.chat(SKY_TOO))).decision
    two = (await a.look(kit.chat(SKY_TOO + " then"))).decision
    assert one.hit_id != two.hit_id
    assert not await a.cache.report_bad(two.hit_id, tenant="other")
    assert await a.cache.report_bad(two.hit_id, tenant="acme")
    (judgement,) = a.likeness.learnt
    assert (judgement.source, judgement.is_same, judgement.p_same) == ("report", False, two.p_same)
    assert (await a.look(kit.chat(SKY_TOO))).entry is None


async def test_what_the_embedder_cannot_read_whole_is_exact_only(asker: Make, kit: Any) -> None:
    a = asker(semantic="serve", least=-1)
    await a.ask(kit.chat(SKY + " and so on"))
    near = await a.look(kit.chat(SKY_TOO + " and so on"))
    assert (near.decision.status, near.decision.reason) == (
        "miss",
        "exact only: too long to embed whole",
    )


async def test_the_hours_add_up_what_was_saved(asker: Make, kit: Any, clock: Any, tmp_path: Path) -> None:
    a = asker(semantic="serve", path=str(tmp_path / "c.db"))
    await a.ask(kit.chat(SKY))
    for prompt in (SKY, SKY, SKY_TOO):
        await a.look(kit.chat(prompt))
    hour = int(clock.now_s // 3600)
    await a.cache.close()
    store = asker(path=str(tmp_path / "c.db")).cache._store
    sums = {t.kind: (t.hour, t.n, round(t.usd, 6), t.s) for t in store.tallies(0)}
    assert sums == {
        "miss": (hour, 1, 0.0, 0.0),
        "hit": (hour, 2, 0.02, 4.0),
        "semantic_hit": (hour, 1, 0.01, 2.0),
    }


async def test_the_report_knows_what_is_not_on_the_disk_yet(asker: Make, kit: Any) -> None:
    a = asker(semantic="serve")
    a.likeness.report = lambda: "what the gate says"
    await a.ask(kit.chat(SKY))
    for prompt in (SKY, SKY_TOO, SKY_TOO):
        await a.look(kit.chat(prompt))
    report = await a.cache.report()
    assert (report.hit.n, report.semantic_hit.n, report.n_misses) == (1, 2, 1)
    assert (report.semantic_hit.usd, report.semantic_hit.s) == (pytest.approx(0.02), 4.0)
    assert report.gate == "what the gate says"
    assert await asker(semantic="off").cache.report() is None


async def test_an_answer_that_a_rival_gives_joins_the_rival(asker: Make, kit: Any) -> None:
    a = asker(least=2)
    await a.ask(kit.chat(SKY), answer=kit.answer_of("scattering"))
    await a.ask(kit.chat(SKY_TOO + " then"), answer=kit.answer_of("clouds"))
    # nearer to the first, and answered as the second
    await a.ask(kit.chat(SKY + " ok"), answer=kit.answer_of("clouds"))
    serving = asker(semantic="serve", store=a.cache._store)
    hit = await serving.look(kit.chat(SKY + " ok ok"))
    assert b"clouds" in hit.entry.body
    clouds = (await a.look(kit.chat(SKY_TOO + " then"))).decision.hit_id
    assert hit.entry.hit_id.partition(".")[0] == clouds
    assert [j.is_same for j in a.likeness.learnt] == [False, False]


async def test_an_audit_without_a_verdict_is_told_to_the_gate(asker: Make, kit: Any) -> None:
    a = asker(semantic="serve")
    await a.ask(kit.chat(SKY))
    a.likeness.audits = 1
    await a.ask(kit.chat(SKY_TOO), answer=kit.answer_of("eh?"))
    assert (a.likeness.n_untold, a.likeness.learnt) == (1, [])


async def test_whoever_wants_nothing_kept_is_not_audited(asker: Make, kit: Any) -> None:
    a = asker(semantic="serve")
    await a.ask(kit.chat(SKY))
    a.likeness.audits = 1
    hit = await a.look(kit.chat(SKY_TOO, wishes=Wishes(cache="no-store")))
    assert hit.decision.status == "semantic_hit"


async def test_each_wrong_hit_of_one_answer_counts(asker: Make, kit: Any) -> None:
    a = asker(semantic="serve", least=0.5)
    await a.ask(kit.chat(SKY))
    one, two = [(await a.look(kit.chat(SKY_TOO + more))).decision.hit_id for more in ("", " then")]
    assert await a.cache.report_bad(one)
    assert not await a.cache.report_bad(two, tenant="other")
    assert await a.cache.report_bad(two, tenant="acme")  # its answer is gone already
    assert not await a.cache.report_bad(two)
    assert [j.source for j in a.likeness.learnt] == ["report", "report"]
    assert a.cache.stats().n_reported_bad == 2


async def test_a_hit_of_another_process_teaches_that_it_was_wrong(
    asker: Make, kit: Any, tmp_path: Path
) -> None:
    config = {"semantic": "serve", "path": str(tmp_path / "c.db")}
    one, two = asker(**config), asker(**config)
    await one.ask(kit.chat(SKY))
    hit = await one.look(kit.chat(SKY_TOO))
    assert await two.cache.report_bad(hit.decision.hit_id)
    assert [(j.source, j.features) for j in two.likeness.learnt] == [("report", ())]


async def test_without_a_judge_auto_serves_nothing(asker: Make, kit: Any) -> None:
    a = asker(semantic="auto", has_judge=False)
    a.likeness.is_serving = True  # by evidence of before
    await a.ask(kit.chat(SKY))
    await a.cache.warm()
    assert (await a.look(kit.chat(SKY_TOO))).decision.status == "miss"
    assert not a.cache.stats().is_serving


async def test_evidence_of_another_embedder_or_of_long_ago_is_none(
    asker: Make, kit: Any, clock: Any, tmp_path: Path
) -> None:
    path = str(tmp_path / "c.db")
    first = asker(path=path)
    await first.ask(kit.chat(SKY))
    await first.ask(kit.chat(SKY_TOO))
    await first.cache.close()

    async def known(**config: object) -> int:
        a = asker(path=path, **config)
        await a.cache.warm()
        return len(a.likeness.learnt)

    assert await known() == 1
    assert await known(embedder="others") == 0
    assert await known(judge="off") == 0
    clock.now_s += 31 * 86_400
    assert await known() == 0


async def test_what_the_verifier_rules_out_is_not_served(asker: Make, kit: Any) -> None:
    a = asker(semantic="serve")
    await a.ask(kit.chat(SKY))
    a.likeness.odds = -12.0
    assert (await a.look(kit.chat(SKY_TOO))).decision.reason == "not sure enough"


async def test_a_probability_is_learnt_as_such_and_joins_no_group(asker: Make, kit: Any) -> None:
    a = asker(least=2)
    await a.ask(kit.chat(SKY))
    await a.ask(kit.chat(SKY_TOO), answer=kit.answer_of("maybe"))
    assert [j.is_same for j in a.likeness.learnt] == [0.25]
    stats = a.cache.stats()
    assert (stats.n_judged, stats.n_unsure) == (1, 1)
    assert not await a.cache.remove("nobody")
    assert await a.cache.remove((await a.look(kit.chat(SKY))).decision.hit_id)
    serving = asker(semantic="serve", least=0.5, store=a.cache._store)
    assert b"maybe" in (await serving.look(kit.chat(SKY_TOO + " so"))).entry.body


async def test_a_judge_that_errs_is_not_asked_about_rivals(asker: Make, kit: Any) -> None:
    a = asker(least=2, judge_error=0.05)
    await a.ask(kit.chat(SKY), answer=kit.answer_of("scattering"))
    await a.ask(kit.chat(SKY_TOO + " then"), answer=kit.answer_of("clouds"))
    await a.ask(kit.chat(SKY + " ok"), answer=kit.answer_of("clouds"))
    assert a.judge.n_asked == 2
