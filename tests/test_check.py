"""What `stepwell check` says of routing: what each promise rests on, and what it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stepwell import Stepwell
from stepwell.base.errors import ConfigError
from stepwell.check_line import CheckLine
from stepwell.evals.tune.learn import learn
from stepwell.evals.tune.rows import read_outcomes
from stepwell.router.cascade.plan import Prior
from stepwell.router.learned.bundle import Bundle
from stepwell.testing import FakeTier
from tests.house import CHEAP, DEAR, NO_CACHE

PRICES = {"cheap": (1.0, 2.0), "dear": (10.0, 20.0)}
VERDICT = "The learned router keeps 95 % of dear."


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    rows = [
        json.dumps({"id": f"r{n}", "prompt": f"{'Prove' if n % 2 else 'Name'} {n}", "scores": scores})
        for n in range(160)
        for scores in [{"cheap": 1.0 - n % 2, "dear": 1.0}]
    ]
    return learn(read_outcomes(rows, ["cheap", "dear"])).bundle


def saved(bundle: Bundle, folder: Path, **promise: Any) -> str:
    plain = {"price": 0.3, "min_quality": 0.95, "usd_per_1m": PRICES, "verdict": VERDICT}
    bundle.with_promise(**{**plain, **promise}).save(folder / "policy")
    return f"learned:{folder / 'policy'}"


def well_of(routing: Any = None, **sections: Any) -> Stepwell:
    fakes = {"cheap": FakeTier("12"), "dear": FakeTier("12")}
    plain: dict[str, Any] = {"tiers": {"cheap": CHEAP, "dear": DEAR}, "cache": NO_CACHE}
    return Stepwell(backends=fakes, routing=routing or {}, **{**plain, **sections})


async def lines_of(well: Stepwell) -> dict[str, CheckLine]:
    async with well:
        return {line.subject: line for line in await well.acheck()}


async def test_the_cold_start_promises_no_quality() -> None:
    lines = await lines_of(well_of())
    assert lines["promise min_p_ok"].status == "warn"
    assert lines["feedback"] == CheckLine("feedback", "ok", "off")
    assert not {"promise min_quality", "target_share", "cascade", "confidence"} & lines.keys()


async def test_min_quality_tells_what_it_rests_on(bundle: Bundle, tmp_path: Path) -> None:
    policy = saved(bundle, tmp_path)
    lines = await lines_of(well_of({"policy": policy}, promises={"min_quality": 0.9}))
    line = lines["promise min_quality"]
    assert line.status == "ok"
    sha8 = bundle.card.data_sha256[:8]
    for part in (
        "0.9, tuned for 0.95; ",
        VERDICT[:-1],
        "160 rows",
        f"data {sha8}",
        "cheap $1/$2, dear $10/$20",
    ):
        assert part in line.detail
    assert lines["promise min_p_ok"].detail.startswith("not applied")
    lines = await lines_of(well_of({"policy": policy}, promises={"min_p_ok": 0.6}))
    assert lines["promise min_quality"].detail.startswith("not promised, tuned for 0.95")
    assert "0.6: rests on policy learned" in lines["promise min_p_ok"].detail
    assert "calibration error of p(ok) up to 0." in lines["promise min_p_ok"].detail


@pytest.mark.parametrize(
    ("promise", "said"),
    [
        ({"price": None, "mix": {"cheap": 0.25, "dear": 0.75}}, "a fixed mix (25% cheap, 75% dear)"),
        ({"usd_per_1m": {"cheap": (1.0, 2.0), "dear": (10.0, 23.0)}}, "dear is $10/$20 now: tune again"),
        ({"usd_per_1m": {"cheap": (0.8, 2.0), "dear": (10.0, 20.0)}}, "cheap is $1/$2 now: tune again"),
        ({"price": None, "min_quality": None}, "run `stepwell tune`"),
    ],
)
async def test_what_weakens_min_quality_is_a_warning(
    bundle: Bundle, tmp_path: Path, promise: Any, said: str
) -> None:
    line = (await lines_of(well_of({"policy": saved(bundle, tmp_path, **promise)})))["promise min_quality"]
    assert (line.status, said in line.detail) == ("warn", True)


async def test_small_changes_of_price_are_let_pass(bundle: Bundle, tmp_path: Path) -> None:
    close = {"cheap": (1.05, 2.0), "dear": (9.5, 21.0)}
    lines = await lines_of(well_of({"policy": saved(bundle, tmp_path, usd_per_1m=close)}))
    assert lines["promise min_quality"].status == "ok"


async def answered(well: Stepwell, n: int, score: float | None) -> dict[str, CheckLine]:
    async with well:
        for i in range(n):
            reply = await well.achat(f"Name {2 * i}")
            if score is not None:
                await well.afeedback(reply.trace.request_id, score)
        assert well.outcomes is not None
        list(well.outcomes.rows())  # waits until all is written
        return {line.subject: line for line in await well.acheck()}


async def test_feedback_is_counted(tmp_path: Path) -> None:
    feedback = {"path": str(tmp_path / "o.db"), "explore_share": 0.02}
    lines = await answered(well_of(feedback=feedback, promises={"min_p_ok": 0}), 3, 1.0)
    assert lines["feedback"].status == "ok"
    assert lines["feedback"].detail == "3 outcomes to tune with; 3 replies wait for feedback; 2.0% explored"


@pytest.mark.parametrize(("score", "status"), [(0.0, "warn"), (1.0, "ok")])
async def test_answers_worse_than_learnt_are_drift(
    bundle: Bundle, tmp_path: Path, score: float, status: str
) -> None:
    feedback = {"path": str(tmp_path / "o.db")}
    lines = await answered(well_of({"policy": saved(bundle, tmp_path)}, feedback=feedback), 60, score)
    assert lines["feedback"].status == status
    assert ("lower than expected" in lines["feedback"].detail) == (status == "warn")
    assert ("tune again" in lines["feedback"].detail) == (status == "warn")


async def test_exploring_without_a_place_for_labels_is_a_warning() -> None:
    line = (await lines_of(well_of(feedback={"explore_share": 0.01})))["feedback"]
    assert (line.status, "feedback.path" in line.detail) == ("warn", True)


async def test_targets_tell_what_holds_them() -> None:
    with pytest.raises(ConfigError, match="not both"):
        well_of({"target_share": 0.3, "target_usd_per_day": 5.0})
    lines = await lines_of(well_of({"target_share": 0.3}))
    assert lines["target_share"].detail.startswith("0.3: held by a running cut")
    assert "goes first" not in lines["target_share"].detail
    lines = await lines_of(well_of({"target_usd_per_day": 5.0}, promises={"min_p_ok": 0.5}))
    assert "no limit" in lines["target_usd_per_day"].detail
    assert "a quality promise goes first" in lines["target_usd_per_day"].detail
    lines = await lines_of(well_of({"target_usd_per_day": 5.0}, promises={"max_usd_per_day": 9}))
    assert lines["target_usd_per_day"].status == "ok"


async def test_a_cascade_needs_a_tuned_policy_and_is_not_covered(bundle: Bundle, tmp_path: Path) -> None:
    on = {"cascade": "on"}
    assert "it needs a learned policy" in (await lines_of(well_of(on)))["cascade"].detail
    for promise, said in (
        ({}, "nothing is planned: no agreement was learnt"),
        ({"cascade": Prior()}, "not covered by the quality bound; agreement learnt"),
        ({"cascade": Prior(pays=False)}, "it does not pay"),
        ({"price": None, "mix": {"dear": 1.0}}, "it needs a learned policy with a tuned price"),
    ):
        policy = saved(bundle, tmp_path, **promise)
        line = (await lines_of(well_of(on | {"policy": policy})))["cascade"]
        assert (line.status, said in line.detail) == ("warn", True)


async def test_confidence_needs_calibrations_and_a_tier_that_gives_log_probabilities(
    bundle: Bundle, tmp_path: Path
) -> None:
    card = msgspec.structs.replace(bundle.card, confidence={"cheap": (4.0, 4.0)})
    calibrated = saved(replace(bundle, card=card), tmp_path)
    able = {"cheap": CHEAP | {"capabilities": ["logprobs"]}, "dear": DEAR}
    for policy, tiers, status in (
        ("coldstart", able, "warn"),
        (calibrated, {"cheap": CHEAP, "dear": DEAR}, "warn"),
        (calibrated, able, "ok"),
    ):
        lines = await lines_of(well_of({"confidence": "on", "policy": policy}, tiers=tiers))
        assert lines["confidence"].status == status
        assert ("calibrated for cheap" in lines["confidence"].detail) == (status == "ok")
