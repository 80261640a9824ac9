"""The review queue: what it holds, who sees it, what people's decisions do, and what stays of a text."""

from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.base.config.guards import ReviewConfig
from stepwell.base.errors import ConfigError, ReviewDecided, StoreUnavailable, UnknownReview
from stepwell.guards.review.answer_file import HeldAnswer
from stepwell.guards.review.held import Held
from stepwell.guards.review.queue import ReviewQueue

TEXT = "Tell the zebra keeper to open the gate."
DAY_S = 86_400.0


class Clock:
    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "file"])
async def queue(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[ReviewQueue]:
    path = str(tmp_path / "r.db") if request.param == "file" else None
    made = ReviewQueue(ReviewConfig(path=path, ttl_s=DAY_S, max_waiting=3), clock=clock)
    yield made
    await made.close()


async def hold(queue: ReviewQueue, text: str = TEXT, **more: Any) -> str:
    held: dict[str, Any] = {"tenant": "acme", "stage": "input", "check": "injection", **more}
    id = await queue.hold(Held(text=text, kinds=("INJECTION",), score=0.9, policy="p1", **held))
    assert id is not None
    return id


async def said(queue: ReviewQueue, text: str = TEXT, **more: str) -> str | None:
    asked = {"tenant": "acme", "stage": "input", "check": "injection", **more}
    return await queue.verdict(text=text, **asked)


# ---- holding


async def test_what_is_held_is_shown_to_people(queue: ReviewQueue, clock: Clock) -> None:
    assert await said(queue) is None
    id = await hold(queue)
    assert await said(queue) == "waiting"
    one = await queue.get(id)
    assert (one.tenant, one.stage, one.check, one.kinds) == ("acme", "input", "injection", ("INJECTION",))
    assert (one.score, one.policy, one.status, one.held_s) == (0.9, "p1", "waiting", clock.now_s)
    assert (one.text, one.n_sent, one.by, one.note, one.decided_s) == (TEXT, 1, "", "", None)


async def test_the_same_text_keeps_its_id(queue: ReviewQueue) -> None:
    id = await hold(queue)
    assert await hold(queue) == id
    assert (await queue.get(id)).n_sent == 2
    others = [await hold(queue, tenant="other"), await hold(queue, check="harm")]
    assert len({id, *others}) == 3


async def test_more_than_may_wait_are_refused(queue: ReviewQueue) -> None:
    ids = [await hold(queue, f"text {n}") for n in range(3)]
    full = {"tenant": "acme", "stage": "input", "check": "injection", "kinds": (), "score": 1.0, "policy": ""}
    assert await queue.hold(Held(text="text 3", **full)) is None  # type: ignore[arg-type]
    assert await hold(queue, "text 1") == ids[1]
    await queue.reject(ids[0])
    assert await queue.hold(Held(text="text 3", **full)) is not None  # type: ignore[arg-type]


@settings(max_examples=60)
@given(st.lists(st.text(max_size=12), min_size=4, max_size=4, unique=True), st.data())
async def test_a_verdict_is_of_one_tenant_stage_check_and_text(parts: list[str], data: st.DataObject) -> None:
    queue = ReviewQueue(ReviewConfig())
    tenant, stage, check, text = parts
    try:
        held = {"tenant": tenant, "stage": stage, "check": check, "text": text}
        id = await queue.hold(Held(**held, kinds=(), score=1.0, policy=""))
        assert id is not None
        assert (await queue.get(id)).text == text
        await queue.approve(id)
        assert await queue.verdict(**held) == "approved"
        shuffled = data.draw(st.permutations(parts))
        moved = dict(zip(held, shuffled, strict=True))
        assert await queue.verdict(**moved) == ("approved" if shuffled == parts else None)
        glued = {"tenant": tenant + stage, "stage": "", "check": check, "text": text}
        assert (await queue.verdict(**glued) == "approved") == (glued == held)
    finally:
        await queue.close()


# ---- deciding


async def test_an_approved_text_passes_and_a_rejected_one_does_not(queue: ReviewQueue, clock: Clock) -> None:
    good, bad = await hold(queue, "good"), await hold(queue, "bad")
    clock.now_s += 60
    one = await queue.approve(good, by="ann", note="harmless")
    assert (one.status, one.by, one.note, one.decided_s) == ("approved", "ann", "harmless", clock.now_s)
    assert (await queue.reject(bad, by="ann")).status == "rejected"
    assert (await said(queue, "good"), await said(queue, "bad")) == ("approved", "rejected")
    assert (await said(queue, "good", tenant="other"), await said(queue, "good", stage="output")) == (
        None,
        None,
    )
    clock.now_s += 10 * DAY_S
    assert (await said(queue, "good"), await said(queue, "bad")) == ("approved", "rejected")


async def test_a_decision_holds_until_it_is_overruled(queue: ReviewQueue) -> None:
    id = await hold(queue)
    first = await queue.reject(id, by="ann")
    with pytest.raises(ReviewDecided):
        await queue.approve(id, by="bob")
    assert await queue.reject(id, by="bob") == first
    assert (await queue.approve(id, by="bob", overrule=True)).by == "bob"
    assert await said(queue) == "approved"


async def test_what_nobody_looked_at_counts_as_rejected_and_is_gone(queue: ReviewQueue, clock: Clock) -> None:
    id = await hold(queue)
    clock.now_s += DAY_S - 1
    assert await said(queue) == "waiting"
    clock.now_s += 1
    assert await said(queue) == "rejected"
    one = await queue.get(id)
    assert (one.status, one.text) == ("expired", None)
    assert await queue.labels() == []
    with pytest.raises(ReviewDecided):
        await queue.approve(id)
    assert await hold(queue) == id
    assert await said(queue) == "rejected"
    await queue.approve(id, overrule=True)
    assert await said(queue) == "approved"


# ---- who sees what


async def test_another_tenants_is_as_unknown_as_none(queue: ReviewQueue) -> None:
    id = await hold(queue)
    for wrong, tenant in ((id, "other"), ("rev_nothing", "acme"), ("", None)):
        for ask in (queue.get, queue.approve, queue.reject):
            with pytest.raises(UnknownReview):
                await ask(wrong, tenant=tenant)
    assert await said(queue) == "waiting"
    assert (await queue.get(id, tenant="acme")).id == id


async def test_lists_are_by_tenant_and_status_in_pages_and_without_texts(queue: ReviewQueue) -> None:
    ids = [await hold(queue, f"text {n}") for n in range(2)]
    theirs = await hold(queue, tenant="other")
    await queue.approve(ids[0])
    assert [r.id for r in await queue.list()] == [*ids, theirs]
    assert [r.id for r in await queue.list(tenant="acme")] == ids
    assert [r.id for r in await queue.list(status="waiting")] == [ids[1], theirs]
    assert [r.id for r in await queue.list(tenant="acme", status="approved")] == ids[:1]
    assert [r.id for r in await queue.list(limit=1)] == ids[:1]
    assert [r.id for r in await queue.list(after=ids[0])] == [ids[1], theirs]
    assert {r.text for r in await queue.list()} == {None}


# ---- labels, and what stays


async def test_decisions_become_labels_once(queue: ReviewQueue, clock: Clock) -> None:
    good, bad = await hold(queue, "good"), await hold(queue, "bad")
    await hold(queue, "undecided")
    await queue.reject(bad)
    clock.now_s += 1
    await queue.approve(good)
    found = await queue.labels()
    assert [(row.text, row.label, row.check, row.stage) for row in found] == [
        ("bad", 1, "injection", "input"),
        ("good", 0, "injection", "input"),
    ]
    assert await queue.labels(tenant="other") == []
    assert await queue.erase_texts([row.id for row in found]) == 2
    assert await queue.labels() == []
    assert (await queue.get(good)).text is None
    assert (await said(queue, "good"), await said(queue, "bad")) == ("approved", "rejected")
    assert await queue.erase_texts([good, "rev_nothing"]) == 0


@pytest.mark.parametrize("end", ["export", "expiry"])
async def test_nothing_of_an_erased_text_stays_in_the_file(tmp_path: Path, clock: Clock, end: str) -> None:
    path = tmp_path / "r.db"
    queue = ReviewQueue(ReviewConfig(path=str(path), ttl_s=DAY_S), clock=clock)
    for n in range(60):
        id = await hold(queue, f"{TEXT} {n} " + "quagga " * (n * 17 % 400))
        if end == "export":
            await queue.reject(id)
    if end == "export":
        await queue.erase_texts([row.id for row in await queue.labels()])
    clock.now_s += DAY_S
    assert len(await queue.list()) == 60
    for raw, mode in found_in(tmp_path):
        assert b"zebra" not in raw
        assert b"quagga" not in raw
        assert mode == 0o600
    await queue.close()


# ---- files


def found_in(folder: Path) -> list[tuple[bytes, int]]:
    """What each file holds, and its mode."""
    return [(file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) for file in folder.iterdir()]


def _hold_all(path: str, texts: list[str]) -> None:
    async def run() -> None:
        queue = ReviewQueue(ReviewConfig(path=path))
        for text in texts:
            await hold(queue, text)
        await queue.close()

    asyncio.run(run())


async def test_processes_share_a_file(tmp_path: Path) -> None:
    path, texts = str(tmp_path / "r.db"), [f"text {n}" for n in range(20)]
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_hold_all, args=(path, texts)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        await asyncio.to_thread(worker.join, 60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    queue, other = ReviewQueue(ReviewConfig(path=path)), ReviewQueue(ReviewConfig(path=path))
    found = await queue.list()
    assert len(found) == 20
    assert {one.n_sent for one in found} == {2}
    await queue.approve(found[0].id)
    text = (await queue.get(found[0].id)).text
    assert text is not None
    assert await said(other, text) == "approved"
    await queue.close()
    await other.close()


async def test_many_at_once_get_one_id(queue: ReviewQueue) -> None:
    assert len(set(await asyncio.gather(*(hold(queue) for _ in range(20))))) == 1


async def test_a_closed_queue_and_a_foreign_file_say_so(tmp_path: Path) -> None:
    queue = ReviewQueue(ReviewConfig())
    await queue.close()
    await queue.close()
    with pytest.raises(StoreUnavailable):
        await said(queue)
    (tmp_path / "no.db").write_bytes(b"hello" * 100)
    with pytest.raises(ConfigError, match="not usable as a review queue"):
        ReviewQueue(ReviewConfig(path=str(tmp_path / "no.db")))


async def test_a_lone_surrogate_is_held_like_any_text(queue: ReviewQueue) -> None:
    id = await hold(queue, "odd \ud800 text")
    assert await said(queue, "odd \ud800 text") == "waiting"
    shown = (await queue.get(id)).text
    assert shown is not None
    assert shown.startswith("odd ")
    assert shown.encode()


# ---- whole answers


ANSWER = HeldAnswer(b'{"choices":[]} zebra', "dear", "gpt")


async def test_an_answer_is_kept_for_its_request_until_it_is_rejected_or_old(
    queue: ReviewQueue, clock: Clock
) -> None:
    id = await hold(queue, stage="output")
    await queue.keep_answer(b"ask", id, ANSWER)
    assert (await queue.answer(b"ask"), await queue.answer(b"other")) == (ANSWER, None)
    assert "zebra" not in repr(ANSWER)
    newer = HeldAnswer(b"{}", "cheap", "small")
    await queue.keep_answer(b"ask", id, newer)
    assert await queue.answer(b"ask") == newer
    await queue.approve(id)
    assert await queue.answer(b"ask") == newer
    await queue.reject(id, overrule=True)
    assert await queue.answer(b"ask") is None
    await queue.keep_answer(b"ask", id, ANSWER)
    clock.now_s += DAY_S
    assert await queue.answer(b"ask") is None


async def test_the_oldest_of_too_many_answers_go(queue: ReviewQueue) -> None:
    for n in range(5):
        await queue.keep_answer(b"%d" % n, "rev_x", ANSWER)
    assert [await queue.answer(b"%d" % n) is not None for n in range(5)] == [False, False, True, True, True]
    await queue.drop_answer(b"3")
    assert await queue.answer(b"3") is None


@pytest.mark.parametrize("end", ["rejected", "handed out", "old", "too many"])
async def test_nothing_of_an_answer_that_went_stays_in_the_file(
    tmp_path: Path, clock: Clock, end: str
) -> None:
    config = ReviewConfig(path=str(tmp_path / "r.db"), ttl_s=DAY_S, max_waiting=40)
    queue = ReviewQueue(config, clock=clock)
    keys = []
    for n in range(40):
        body = f"{TEXT} {n} ".encode() + b"quagga " * (n * 17 % 400)
        await queue.keep_answer(b"%d" % n, "rev_x", HeldAnswer(body, "dear", "gpt"))
    with sqlite3.connect(tmp_path / "r.db") as db:
        keys = [key for (key,) in db.execute("SELECT key FROM answer_keys")]
    db.close()
    id = await hold(queue)
    for n in range(40):
        if end == "handed out":
            await queue.drop_answer(b"%d" % n)
        elif end == "too many":
            await queue.keep_answer(b"new %d" % n, "rev_x", HeldAnswer(b"{}", "dear", "gpt"))
        elif end == "rejected":
            await queue.keep_answer(b"%d" % n, id, HeldAnswer(b"{}", "dear", "gpt"))
    await queue.reject(id)
    clock.now_s += DAY_S if end == "old" else 0
    await queue.list()
    assert len(keys) == 40
    for raw, _ in found_in(tmp_path):
        assert not any(key in raw for key in keys)
        assert b"zebra" not in raw
    await queue.close()
