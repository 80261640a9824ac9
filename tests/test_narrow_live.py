"""A fine-tuned tier in the whole house: reached by pin and rule, and by a learned policy on traffic it knows."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell import Stepwell
from stepwell.base.errors import ConfigError
from stepwell.evals.tune.learn import learn
from stepwell.evals.tune.rows import read_outcomes
from stepwell.front.server.app import create_app
from stepwell.router.learned.bundle import Bundle as LearntBundle
from stepwell.router.tiers.bundle import TAINTED, Bundle
from stepwell.testing import FakeTier
from tests.house import DEAR, NO_CACHE
from tests.support.fine_tuned import head_bundle, promoted

MAIL, CHAT, STRANGE = "Refund: parcel 9 came too late.", "Name a colour of 9 leaves.", "Prove it by 9 cubes."
COMPASS = "narrow_compass:Compass"
RULE = {"name": "mails", "keywords": ["refund"], "pin": "refunds"}


class Compass:
    """Mails point north, chats east, the rest down."""

    name = COMPASS
    dim = 3
    n_embedded = 0

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        Compass.n_embedded += len(texts)
        made = np.array([self._of(t) for t in texts])
        found: NDArray[np.float32] = (made / np.linalg.norm(made, axis=1)[:, None]).astype(np.float32)
        return found

    def _of(self, text: str) -> tuple[float, float, float]:
        off = 0.1 + len(text) % 5 / 50
        return (
            (1, 0, off)
            if text.startswith("Refund")
            else (0, 1, off)
            if text.startswith("Name")
            else (0, 0, -1)
        )


@pytest.fixture(autouse=True)
def compass(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("narrow_compass")
    module.Compass = Compass  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(Compass, "n_embedded", 0)


@pytest.fixture
def refunds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """A promoted head that answers mails."""
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path / "home"))
    made = head_bundle(tmp_path / "head", ("late", "broken"), ('{"why":"late"}', '{"why":"broken"}'))
    return promoted(made, "refunds")


def well_of(**routing: Any) -> Stepwell:
    promises: dict[str, Any] = {} if "policy" in routing else {"min_p_ok": 0.0}
    return Stepwell(
        tiers={"refunds": {"model": "local/refunds"}, "dear": DEAR},
        backends={"dear": FakeTier("dear")},
        routing={"policy_timeout_s": 20, **routing},
        cache=NO_CACHE,
        guards={"input": [], "output": []},
        embedding={"embedder": COMPASS},
        promises=promises,
    )


async def test_the_cold_start_never_picks_it_and_a_rule_does(refunds: Bundle) -> None:
    async with well_of(rules=[RULE]) as well:
        chat, mail = await well.achat(CHAT), await well.achat(MAIL)
        pinned = await well.achat(CHAT, model="local/refunds")
    assert (chat.tier, chat.adapter) == ("dear", None)
    assert (mail.tier, mail.text, mail.cost_usd) == ("refunds", '{"why":"late"}', 0)
    assert mail.adapter == f"refunds@{refunds.card.sha256[:12]}"
    assert mail.trace.attempts[0].deployment == mail.model == f"local/{mail.adapter}"
    assert pinned.tier == "refunds"
    assert chat.trace.route is not None
    assert {e.tier: e.status for e in chat.trace.route.estimates}["refunds"] == "narrow"


@pytest.fixture(scope="module")
def learnt() -> LearntBundle:
    lines = []
    for n in range(160):
        text = f"Refund: parcel {n} came too late." if n % 2 else f"Name a colour of {n} leaves."
        lines.append(json.dumps({"id": n, "prompt": text, "scores": {"refunds": n % 2, "dear": 1.0}}))
    outcomes = read_outcomes(lines, ["refunds", "dear"])
    return learn(outcomes, Compass().embed(outcomes.prompts), embedder=COMPASS).bundle


def saved(learnt: LearntBundle, folder: Path, **promise: Any) -> str:
    learnt.with_promise(**{"price": 0.3, "min_quality": 0.9, **promise}).save(folder / "policy")
    return f"learned:{folder / 'policy'}"


async def test_a_learned_policy_sends_what_it_knows_there_and_nothing_else(
    refunds: Bundle, learnt: LearntBundle, tmp_path: Path
) -> None:
    policy = saved(learnt, tmp_path, fallback={"refunds": 0.9, "dear": 0.1})
    async with well_of(policy=policy) as well:
        tiers = {text: (await well.achat(text)).tier for text in (MAIL, CHAT, STRANGE)}
        strange = await well.aexplain(STRANGE)
    assert tiers == {MAIL: "refunds", CHAT: "dear", STRANGE: "dear"}
    assert "the tested mix stands in: 100% dear" in strange.reasons


async def test_a_mix_that_looks_at_nothing_sends_nothing_there(
    refunds: Bundle, learnt: LearntBundle, tmp_path: Path
) -> None:
    policy = saved(learnt, tmp_path, price=None, mix={"refunds": 0.9, "dear": 0.1})
    async with well_of(policy=policy) as well:
        assert {(await well.achat(f"{MAIL} {n}")).tier for n in range(6)} == {"dear"}


async def test_http_names_who_answered_in_streams_too(refunds: Bundle) -> None:
    transport = httpx.ASGITransport(create_app(well_of(rules=[RULE])))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        for stream in (False, True):
            body = {"model": "auto", "stream": stream, "messages": [{"role": "user", "content": MAIL}]}
            found = await client.post("/v1/chat/completions", json=body)
            assert found.headers["x-stepwell-adapter"] == f"refunds@{refunds.card.version}"
            assert r"late" in found.text
        body = {"model": "dear", "messages": [{"role": "user", "content": CHAT}]}
        assert "x-stepwell-adapter" not in (await client.post("/v1/chat/completions", json=body)).headers


async def test_an_erased_example_is_told_by_check_and_the_log(
    refunds: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    async with well_of() as well:
        before = {line.subject: line for line in await well.acheck()}["tier refunds"]
        (refunds.folder / TAINTED).write_text("{}")
        after = {line.subject: line for line in await well.acheck()}["tier refunds"]
        assert (await well.achat(MAIL, tier="refunds")).tier == "refunds"
    assert (before.status, after.status) == ("ok", "warn")
    assert "by a pin or a rule alone" in before.detail
    assert "train it again" in after.detail
    async with well_of():
        assert "have been erased" in caplog.text


@pytest.mark.parametrize("embedder", [COMPASS, "another"])
async def test_a_head_over_embeddings_shares_the_requests_vector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, learnt: LearntBundle, embedder: str
) -> None:
    from stepwell.router.tiers.head_file import Head
    from tests.support.fine_tuned import with_card

    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path / "home"))
    made = tmp_path / "head"
    made.mkdir()
    Head(("mail", "chat"), np.eye(2, 3, dtype=np.float32), np.zeros(2, np.float32)).save(made / "head.npz")
    promoted(with_card(made, "head", head="embedding", embedder=embedder), "refunds")
    if embedder != COMPASS:
        with pytest.raises(ConfigError, match="reads vectors of another"):
            well_of()
        return
    policy = saved(learnt, tmp_path)
    for routing in ({"policy": policy}, {"rules": [RULE]}):
        async with well_of(**routing) as well:
            Compass.n_embedded = 0
            assert (await well.achat(MAIL)).text == "mail"
            assert Compass.n_embedded == 1
            assert (await well.achat(CHAT, tier="refunds")).text == "chat"
            assert Compass.n_embedded == 2
