"""Measuring: every arm over the real serving path, with stand-ins that answer what the test needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from stepwell.base.config import Config
from stepwell.base.errors import ConfigError, TierError
from stepwell.base.request import ChatRequest
from stepwell.evals.finetune.arms import make_asked
from stepwell.evals.finetune.data.dataset import Dataset, DatasetCard, Kind, content_sha256
from stepwell.evals.finetune.data.example import Example, FinetuneError
from stepwell.evals.finetune.figures import ADAPTER, BASE, BASE_SCHEMA, REPORT, FinetuneReport
from stepwell.evals.finetune.heads import HeadOptions, write_card
from stepwell.evals.finetune.measure import measure
from stepwell.evals.finetune.options import MeasureOptions
from stepwell.evals.finetune.promote import judge_promotion
from stepwell.evals.finetune.suite_of import held_out_suite, schema_of
from stepwell.evals.folder import RunFolder
from stepwell.evals.report import from_folder
from stepwell.evals.scoring.graded.planted import shipped_cases
from stepwell.router.tiers.bundle import Bundle, BundleCard, file_sha256, read_bundle
from stepwell.testing import FakeTier
from tests.support.judged import shown

PLAIN = MeasureOptions(heads=("tfidf",), concurrency=4)
Say = Callable[[str], str]


def example(n: int, *, tier: str = "", answer: str | None = None, text: str = "order") -> Example:
    ask = f"{text} number {n} arrived broken, {n * 7919 % 1000} pounds"
    said = json.dumps({"order": n, "paid": n % 2 == 0}) if answer is None else answer
    return Example(
        id=f"r{n}", messages=({"role": "user", "content": ask},), answer=said, tier=tier, group=f"g{n}"
    )


def dataset(
    n_train: int = 20, n_held_out: int = 40, *, kind: Kind = "json", tier: str = "", answer: str | None = None
) -> Dataset:
    train = tuple(example(n, tier=tier, answer=answer) for n in range(n_train))
    held_out = tuple(example(1000 + n, tier=tier, answer=answer, text="mail") for n in range(n_held_out))
    sha256 = content_sha256(train, held_out)
    return Dataset(DatasetCard(sha256, kind, n_train, n_held_out, n_train + n_held_out), train, held_out)


def adapter(folder: Path, data: Dataset, content: bytes = b"GGUF") -> Bundle:
    folder.mkdir(parents=True)
    (folder / "adapter.gguf").write_bytes(content)
    sha256 = file_sha256(folder / "adapter.gguf")
    write_card(
        folder,
        BundleCard("mails", "adapter", sha256, base="smollm2-135m-instruct", dataset_sha256=data.card.sha256),
    )
    return read_bundle(folder)


def number(ask: str) -> int:
    return int(ask.split()[2])


def right(ask: str) -> str:
    return f'{{"paid": {str(number(ask) % 2 == 0).lower()}, "order": {number(ask)}}}'


def wrong(ask: str) -> str:
    return f'{{"order": {number(ask)}, "paid": "?"}}'


def stand_ins(says: Mapping[str, Say]) -> dict[str, FakeTier]:
    def script(say: Say) -> Callable[[ChatRequest], str]:
        def answer(request: ChatRequest) -> str:
            text = request.messages[-1].content
            assert isinstance(text, str)
            return say(text) if text != "." else "warm"

        return answer

    return {name: FakeTier(script(say)) for name, say in says.items()}


async def test_figures_of_every_arm_and_words_of_every_pair(tmp_path: Path) -> None:
    data = dataset()
    tiers = stand_ins({"base": wrong, "adapter": right, "head-tfidf": lambda _: "none"})
    made = await measure(data, adapter(tmp_path / "b", data), out=tmp_path, options=PLAIN, backends=tiers)
    assert [a.name for a in made.arms] == [BASE, BASE_SCHEMA, ADAPTER, "head-tfidf"]
    best, base, head = made.arm(ADAPTER), made.arm(BASE), made.arm("head-tfidf")
    assert best is not None
    assert base is not None
    assert head is not None
    assert (best.n, best.exact, best.valid, best.fields, best.high) == (40, 1, 1, 1, 1)
    assert 0.85 < best.low < 1
    assert (base.exact, base.valid, base.fields) == (0, 1, 0.5)
    assert (head.exact, head.valid, head.fields) == (0, 0, 0)
    assert {(p.b, p.word) for p in made.pairs_of(ADAPTER)} == {
        (BASE, "better"),
        (BASE_SCHEMA, "better"),
        ("head-tfidf", "better"),
    }
    assert {(p.b, p.word) for p in made.pairs_of("head-tfidf")} >= {(ADAPTER, "worse")}
    assert made.leaks.n == 0
    assert (made.n_held_out, made.n_asked, made.n_clusters, made.head_bound) == (40, 40, 40, 0)
    assert FinetuneReport.load(tmp_path) == made


async def test_each_arm_is_asked_as_it_is_served(tmp_path: Path) -> None:
    data = dataset()
    tiers = stand_ins({"base": wrong, "adapter": right, "head-tfidf": wrong})
    await measure(data, adapter(tmp_path / "b", data), out=tmp_path, options=PLAIN, backends=tiers)
    bodies = [r.fields for r in tiers["base"].requests if r.messages[-1].content != "."]
    held = [msgspec.json.decode(b["response_format"]) for b in bodies if "response_format" in b]
    assert (len(bodies), len(held)) == (80, 40)
    assert held[0]["json_schema"]["schema"]["required"] == ["order", "paid"]
    assert {bytes(b["temperature"]) for b in bodies} == {b"0"}
    assert not any("response_format" in r.fields for r in tiers["adapter"].requests)


async def test_a_run_that_broke_off_goes_on_where_it_was(tmp_path: Path) -> None:
    data = dataset()
    bundle = adapter(tmp_path / "b", data)
    tiers = stand_ins({"base": wrong, "adapter": right, "head-tfidf": wrong})
    first = await measure(data, bundle, out=tmp_path, options=PLAIN, backends=tiers)
    fresh = stand_ins({"base": right, "adapter": wrong, "head-tfidf": right})
    again = await measure(data, bundle, out=tmp_path, options=PLAIN, backends=fresh)
    assert all(r.messages[-1].content == "." for t in fresh.values() for r in t.requests)
    assert [a.exact for a in again.arms] == [a.exact for a in first.arms]
    assert all(a.wall_s is None for a in again.arms)
    retrained = adapter(tmp_path / "b2", data, b"GGUF2")
    other = await measure(data, retrained, out=tmp_path, options=PLAIN, backends=fresh)
    found = other.arm(ADAPTER)
    assert found is not None
    assert found.exact == 0, "another model's answers were taken for this one's"


async def test_the_journal_is_a_run_of_the_evals(tmp_path: Path) -> None:
    data = dataset()
    bundle = adapter(tmp_path / "b", data)
    tiers = stand_ins({"base": wrong, "adapter": right, "head-tfidf": wrong})
    await measure(data, bundle, out=tmp_path, options=PLAIN, backends=tiers)
    folder = next((tmp_path / "eval").iterdir())
    report = from_folder(RunFolder.of(folder))
    assert {t.tier: t.quality for t in report.tiers}[ADAPTER] == 1


async def test_the_top_tier_is_right_by_definition_where_it_gave_the_answers(tmp_path: Path) -> None:
    data = dataset(tier="premium")
    tiers = stand_ins({"base": wrong, "adapter": wrong, "head-tfidf": wrong, "premium": right})
    options = but(PLAIN, tiers=("premium",))
    made = await measure(data, adapter(tmp_path / "b", data), out=tmp_path, options=options, backends=tiers)
    premium = made.arm("premium")
    assert premium is not None
    assert premium.exact == 1
    assert made.said_by == {"premium": 40}
    assert any("premium is right by definition" in note for note in made.notes)
    assert any("premium was asked again" in note for note in made.notes)


def but(options: MeasureOptions, **changed: object) -> MeasureOptions:
    return replace(options, **changed)  # type: ignore[arg-type]


async def test_too_many_answers_leave_the_bound(tmp_path: Path) -> None:
    data = dataset()
    options = but(PLAIN, head_options=HeadOptions(max_answers=5))
    tiers = stand_ins({"base": wrong, "adapter": right})
    made = await measure(data, adapter(tmp_path / "b", data), out=tmp_path, options=options, backends=tiers)
    assert made.heads == ()
    assert any("0.0%" in note for note in made.notes)


async def test_errors_are_counted_and_held_against_the_model(tmp_path: Path) -> None:
    def failing(request: ChatRequest) -> str | TierError:
        text = str(request.messages[-1].content)
        return right(text) if text != "." and number(text) % 4 else TierError("no", tier="adapter")

    data = dataset()
    tiers = stand_ins({"base": wrong, "head-tfidf": right})
    made = await measure(
        data,
        adapter(tmp_path / "b", data),
        out=tmp_path,
        options=PLAIN,
        backends={**tiers, "adapter": FakeTier(failing)},
    )
    found = made.arm(ADAPTER)
    assert found is not None
    assert (found.n, found.n_errors, found.exact) == (30, 10, 1)
    word = {p.b: (p.word, p.at_worst) for p in made.pairs_of(ADAPTER)}
    assert word["head-tfidf"][1] == "worse"
    assert word[BASE][0] == "better"


@pytest.mark.parametrize("is_fair", [True, False])
async def test_free_text_rests_on_a_judge_that_is_measured_first(tmp_path: Path, is_fair: bool) -> None:
    known = {case.right for case in shipped_cases()} | {"a good reply"}

    def grades(request: ChatRequest) -> str:
        return json.dumps({"reason": "-", "correct": not is_fair or shown(request)["answer"] in known})

    data = dataset(kind="text", answer="the reply that was learnt, in so many words")
    tiers = stand_ins({"base": lambda _: "hm", "adapter": lambda _: "a good reply", "head-tfidf": wrong})
    made = await measure(
        data,
        adapter(tmp_path / "b", data),
        out=tmp_path,
        options=but(PLAIN, judge="premium", rubric="It is a reply.", n_judge_checks=20),
        backends={**tiers, "premium": FakeTier(grades)},
    )
    assert (made.scorer, made.judge) == ("graded", "premium")
    assert [a.name for a in made.arms] == [BASE, ADAPTER, "head-tfidf"]
    assert [a.exact for a in made.arms] == ([0, 1, 0] if is_fair else [1, 1, 1])
    assert bool(made.judge_faults) is not is_fair
    reasons = judge_promotion(made, data, adapter(tmp_path / "b2", data)).reasons
    assert any("refused" in r for r in reasons) is not is_fair


async def test_what_cannot_be_measured_is_told(tmp_path: Path) -> None:
    data = dataset(answer="a long text, and nothing to compare", kind="text")
    bundle = adapter(tmp_path / "b", data)
    with pytest.raises(FinetuneError, match="--judge"):
        await measure(data, bundle, out=tmp_path, options=PLAIN)
    with pytest.raises(FinetuneError, match="no example is held out"):
        await measure(dataset(n_held_out=0), bundle, out=tmp_path, options=PLAIN)
    with pytest.raises(ConfigError, match="no tier 'huge'"):
        await measure(dataset(), bundle, out=tmp_path, options=but(PLAIN, tiers=("huge",)))
    named = Config.make({"tiers": {"adapter": "openai/gpt-4.1"}})
    with pytest.raises(ConfigError, match="an arm has that name"):
        await measure(dataset(), bundle, out=tmp_path, config=named, options=but(PLAIN, tiers=("adapter",)))
    assert not (tmp_path / REPORT).exists()


def test_the_base_is_its_file_whatever_is_called_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path))
    path = tmp_path / "weights" / "mine.gguf"
    path.parent.mkdir()
    path.write_bytes(b"GGUF")
    asked = make_asked(adapter(tmp_path / "b", dataset()), [], Config(), base="mine")
    assert asked.config.tiers[BASE].deployments[0].model == f"local/{path}"


def test_the_schema_is_what_all_answers_show() -> None:
    labels = [example(n, answer=json.dumps({"intent": "ab"[n % 2], "n": n})) for n in range(20)]
    data = dataset()
    shown = schema_of(Dataset(data.card, tuple(labels), ()))
    assert shown is not None
    assert json.loads(shown)["properties"] == {"intent": {"enum": ["a", "b"]}, "n": {"type": "number"}}
    mixed = [*labels, example(99, answer='{"other": 1}')]
    assert schema_of(Dataset(data.card, tuple(mixed), ())) is None
    assert schema_of(dataset(answer="yes")) is None


def test_a_limit_draws_by_name_alone() -> None:
    data = dataset(n_held_out=30)
    few, many = held_out_suite(data, limit=5), held_out_suite(data, limit=20)
    assert {r.id for r in few.rows} < {r.id for r in many.rows}
    assert len(held_out_suite(data).rows) == 30
    assert np.all([r.scorer == "json_exact" for r in many.rows])
