"""A fine-tuned tier with outcomes on its own kind alone: tuned, tested and served without it elsewhere."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stepwell.base.config.promises import PromisesConfig
from stepwell.base.config.routing import RoutingConfig
from stepwell.base.request import ChatRequest
from stepwell.evals.tune import sweep
from stepwell.evals.tune.closed import Closed
from stepwell.evals.tune.replay_router import Embedded, learned_router
from stepwell.evals.tune.rows import Outcomes, read_outcomes
from stepwell.evals.tune.run import Tuned, TuneOptions, tune
from stepwell.router.decide import Router
from stepwell.router.features import read_ask
from stepwell.router.learned.inputs import read_inputs
from stepwell.router.learned.policy import Learned
from stepwell.router.learned.reach import reaches_of
from stepwell.router.sizes import Sizes
from stepwell.router.tierinfo import TierInfo

TIERS = ["local", "refunds", "premium"]
PRICES = {"local": (0.0, 0.0), "refunds": (0.0, 0.0), "premium": (2.0, 8.0)}
N_MAILS, N_CHATS = 210, 150


def ask(n: int) -> str:
    """A mail, from N_MAILS on a chat."""
    return f"Refund: parcel {n} came too late." if n < N_MAILS else f"Name a colour of {n} leaves."


def vector(n: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Mails lie north, chats east."""
    made = np.random.default_rng([seed, n]).normal(0, 0.15, 8)
    made[0 if n < N_MAILS else 1] += 1
    found: NDArray[np.float32] = (made / np.linalg.norm(made)).astype(np.float32)
    return found


VECTORS = np.array([vector(n) for n in range(N_MAILS + N_CHATS)])


def outcomes() -> Outcomes:
    """The base can do half of the chats and no mail; `refunds` was asked for mails alone, and can do nearly all."""
    drawn = np.random.default_rng(1).random((len(VECTORS), 2))
    lines = []
    for n, (first, second) in enumerate(drawn):
        is_mail = n < N_MAILS
        scores = {"local": float(not is_mail and first < 0.5), "premium": float(second < 0.97)}
        more = {"refunds": float(first < 0.95)} if is_mail else {}
        lines.append(json.dumps({"id": n, "prompt": ask(n), "scores": scores | more}))
    return read_outcomes(lines, TIERS)


def tuned(*narrow: str) -> Tuned:
    options = TuneOptions(min_quality=0.85, prices=PRICES, narrow=narrow, embedder="any", n_resamples=20)
    return tune(outcomes(), VECTORS, options)


@pytest.fixture(scope="module")
def aware() -> Tuned:
    return tuned("refunds")


def tier(name: str) -> TierInfo:
    usd_in, usd_out = PRICES[name]
    return TierInfo(
        name,
        (name,),
        0.5,
        100_000,
        None,
        frozenset(),
        usd_in,
        None,
        usd_out,
        None,
        is_local=False,
        is_narrow=name == "refunds",
    )


def router(made: Tuned) -> Router:
    promises = PromisesConfig(min_p_ok=0)
    return Router(
        RoutingConfig(policy_timeout_s=30), promises, [tier(t) for t in TIERS], policy=Learned(made.bundle)
    )


async def routed(by: Router, *, mails: bool) -> Counter[str]:
    """Where 40 asks go that nothing was learnt from, of known kinds."""
    found: Counter[str] = Counter()
    for n in range(40) if mails else range(N_MAILS, N_MAILS + 40):
        request = ChatRequest.build({"messages": [{"role": "user", "content": ask(n)}]})
        decision = await by.decide(request, sizes=Sizes.of(12), vector=Embedded(vector(n, seed=1)))
        found[decision.tier] += 1
    return found


async def test_it_gets_its_own_kind_and_nothing_else(aware: Tuned) -> None:
    by = router(aware)
    assert (await routed(by, mails=True))["refunds"] >= 36
    assert (await routed(by, mails=False))["refunds"] == 0


def test_a_stranger_whose_nearest_are_mails_is_no_mail(aware: Tuned) -> None:
    policy, tiers = Learned(aware.bundle), [tier(t) for t in TIERS]
    found = {}
    for off in (0.0, 0.5, 0.8):  # from among the mails to a kind of its own, away from the chats
        made = vector(3, seed=2) * (1 - off)
        made[7] += off
        row = made / np.linalg.norm(made)
        inputs = read_inputs([read_ask(ask(3))], row[None, :].astype(np.float32))
        reading = policy.bundle.model.read(inputs)
        assert reading.nearest is not None
        assert (reading.nearest[0] < N_MAILS).all()  # by share alone all of them would be mails
        found[off] = policy.estimate_inputs(inputs, tiers).knows
    assert "refunds" in found[0.0]
    assert "refunds" not in found[0.5] | found[0.8]


def test_a_tier_reaches_as_far_as_its_own_asks_lie_apart(aware: Tuned) -> None:
    local, refunds, premium = reaches_of(aware.bundle)
    assert (local, premium) == (math.inf, math.inf)  # scored on all kinds
    inputs = read_inputs([read_ask(ask(n)) for n in range(N_MAILS)], VECTORS[:N_MAILS])
    far = aware.bundle.model.read(inputs).far
    assert far is not None
    assert (far <= refunds).mean() > 0.9


async def test_a_replay_of_the_policy_knows_which_tier_is_narrow(aware: Tuned, tmp_path: object) -> None:
    from stepwell.base.config import Config

    aware.save(str(tmp_path))
    config = Config.model_validate({"tiers": {"any": {"model": "openai/any"}}})
    by = learned_router(str(tmp_path), config, embedder="any")
    assert (await routed(by, mails=False))["refunds"] == 0
    assert (await routed(by, mails=True))["refunds"] >= 36


def test_the_promise_is_tested_on_every_row_and_without_it_where_it_has_no_score(aware: Tuned) -> None:
    promise = aware.promise
    assert (promise.by, promise.n_labels) == ("router", len(VECTORS))
    assert promise.shares[1] <= N_MAILS / len(VECTORS)
    assert promise.mix[1] == 0  # a mix would not be served there
    said = " ".join(aware.report.verdict.said)
    assert f"refunds has no score on {N_CHATS} of {len(VECTORS)} rows: tested without it there." in said
    (own,) = (r for r in aware.report.reliability if r.tier == "refunds")
    assert sum(b.n for b in own.bins) == N_MAILS


async def test_a_tuning_that_took_it_for_any_tier_is_not_believed_where_it_has_no_score() -> None:
    unaware = tuned()
    assert unaware.promise.n_labels == N_MAILS  # its price saw no chat
    by = router(unaware)
    assert await routed(by, mails=False) == {"premium": 40}
    assert "rows without a score are not tested" in " ".join(unaware.report.verdict.said)


@given(st.integers(0, 2**32 - 1), st.floats(0, 2))
def test_no_price_sends_a_closed_row_there(seed: int, price: float) -> None:
    random = np.random.default_rng(seed)
    scores, p_ok, cost = random.random((3, 20, 3))
    scores[random.random(20) < 0.5, 1] = np.nan
    cost = np.sort(cost, axis=1)
    given_rows = replace(outcomes().take(range(20)), scores=scores)
    closed = Closed.of(given_rows, {"refunds"})
    counted = sweep.shares_of_dearest(closed.costs(cost))
    chosen = sweep.chosen(closed.p_ok(p_ok), counted, price)
    lacking = np.isnan(scores[:, 1])
    open_p = np.where(np.isnan(scores), -np.inf, p_ok)
    assert (chosen == sweep.chosen(open_p, counted, price)).all()
    assert not (chosen[lacking] == 1).any()
    assert not np.isnan(closed.outcomes(given_rows).scores).any()
