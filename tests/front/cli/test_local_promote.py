"""`stepwell local promote` and `rollback`, and what `local eval` makes of a report."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import msgspec
import pytest
import yaml

from stepwell.base.config import Config
from stepwell.evals.finetune.data.dataset import Dataset, DatasetCard, content_sha256
from stepwell.evals.finetune.data.example import Example
from stepwell.evals.finetune.figures import (
    ADAPTER,
    BASE,
    BASE_SCHEMA,
    ArmFigures,
    FinetuneReport,
    HeadFigures,
    LeakFigures,
    PairFigures,
)
from stepwell.evals.finetune.heads import fit_head, write_card
from stepwell.evals.verdict.pair import Word
from stepwell.front.cli import local_eval, local_promote
from stepwell.front.cli.exits import UsageError
from stepwell.front.cli.main import main
from stepwell.front.cli.parser_local_eval import add_local_eval
from stepwell.front.cli.parser_local_promote import add_local_promote
from stepwell.front.cli.parser_parts import Parser
from stepwell.router.tiers.adapters import find_bundle, read_aliases
from stepwell.router.tiers.bundle import BundleCard, file_sha256


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path / "home"))


def parsed(*words: str) -> Namespace:
    parser = Parser(prog="stepwell")
    actions = parser.add_subparsers()
    add_local_eval(actions)
    add_local_promote(actions)
    return parser.parse_args(words)


def made(folder: Path, word: Word, head: Word, content: bytes = b"GGUF") -> tuple[str, str]:
    """A measured bundle and its dataset on the disk."""
    rows = [
        Example(id=str(n), messages=({"role": "user", "content": f"ask {n}"},), answer=f'{{"n":{n % 2}}}')
        for n in range(30)
    ]
    train, held_out = tuple(rows[:10]), tuple(rows[10:])
    sha256 = content_sha256(train, held_out)
    data = Dataset(DatasetCard(sha256, "json", 10, 20, 30), train, held_out)
    data.save(folder / "data")
    model = folder / "model"
    model.mkdir(exist_ok=True)
    (model / "adapter.gguf").write_bytes(content)
    card = BundleCard("m", "adapter", file_sha256(model / "adapter.gguf"), "b", "w", dataset_sha256=sha256)
    write_card(model, card)
    fitted = fit_head(data, "tfidf", model / "eval" / "head")
    words: tuple[tuple[str, str, Word], ...] = (
        (ADAPTER, BASE, word),
        (ADAPTER, BASE_SCHEMA, word),
        (ADAPTER, "head-tfidf", head),
        (ADAPTER, "head-embedding", "better"),
        ("head-tfidf", BASE, "better"),
        ("head-tfidf", BASE_SCHEMA, "better"),
    )
    report = FinetuneReport(
        dataset_sha256=sha256,
        bundle_sha256=card.sha256,
        base_sha256="w",
        base="b",
        name="m",
        scorer="json_exact",
        n_train=10,
        n_held_out=20,
        n_asked=20,
        n_clusters=20,
        margin=0.02,
        arms=tuple(ArmFigures(n, "m", 20, 0.5, 0.3, 0.7) for n in (BASE, ADAPTER, "head-tfidf")),
        pairs=tuple(PairFigures(a, b, w, w, 0.5, 0.3, 0.7, 0.01, 20, 10, 0) for a, b, w in words),
        leaks=LeakFigures(sha256),
        head_bound=1.0,
        heads=(HeadFigures("tfidf", fitted.bundle.card.sha256, "eval/head", 2, 0.1),),
    )
    report.save(model)
    return str(model), str(folder / "data")


def test_a_promoted_model_comes_with_the_tier_to_paste(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, data = made(tmp_path, "better", "better")
    assert local_promote.run(parsed("promote", model, data, "--name", "mails")) == 0
    out = capsys.readouterr().out
    config = Config.make(yaml.safe_load(out[out.index("tiers:") :]))
    assert config.tiers["mails"].deployments[0].model == "local/mails"
    assert config.routing.rules[0].pin == "mails"
    found = find_bundle("mails")
    assert found is not None
    assert found.card.exact == {BASE: 0.5, ADAPTER: 0.5, "head-tfidf": 0.5}
    assert any("adapter is better than base" in said for said in found.card.said)
    assert (found.folder / "eval.json").is_file()


def test_a_refusal_has_its_figures_and_offers_the_head(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, data = made(tmp_path, "better", "tied")
    assert local_promote.run(parsed("promote", model, data, "--name", "mails")) == 1
    out = capsys.readouterr().out
    assert (
        "head-tfidf does as well and costs next to nothing: adapter 0.500 [0.300, 0.700] against 0.500" in out
    )
    assert find_bundle("mails") is None
    command = out.strip().rpartition("stepwell local ")[2]
    assert local_promote.run(parsed(*command.split())) == 0
    found = find_bundle("mails")
    assert found is not None
    assert found.card.head == "tfidf"


def test_a_refused_head_has_a_next_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, data = made(tmp_path, "better", "better")
    report = FinetuneReport.load(Path(model))
    pairs = [msgspec.structs.replace(p, word="tied") if p.a != ADAPTER else p for p in report.pairs]
    msgspec.structs.replace(report, pairs=tuple(pairs)).save(Path(model))
    asked = ["promote", model, data, "--name", "mails"]
    assert local_promote.run(parsed(*asked, "--head", "tfidf")) == 1
    out = capsys.readouterr().out.strip()
    assert out.endswith("the adapter may serve: stepwell local " + " ".join(asked))
    worse = [msgspec.structs.replace(p, word="worse") for p in report.pairs]
    msgspec.structs.replace(report, pairs=tuple(worse)).save(Path(model))
    for words in (asked, [*asked, "--head", "tfidf"]):
        assert local_promote.run(parsed(*words)) == 1
        assert "or train on more examples" in capsys.readouterr().out.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("command", "codes"),
    [
        ("promote", {0, 1, 64, 130}),
        ("rollback", {0, 64, 130}),
        ("list", {0, 2, 130}),
        ("fetch", {0, 2, 3, 130}),
        ("chat", {0, 2, 130}),
        ("erase", {0, 2, 130}),
    ],
)
def test_help_names_the_exit_codes_that_there_are(
    command: str, codes: set[int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["local", command, "--help"])
    listed = capsys.readouterr().out.partition("exit codes:\n")[2].strip().splitlines()
    assert {int(line.split()[0]) for line in listed} == codes


def test_nothing_to_go_back_to_ends_as_nothing_to_promote_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert [
        main(["local", *words]) for words in (["rollback", "m"], ["promote", "a", "b", "--name", "m"])
    ] == [64, 64]
    assert "nothing is promoted as 'm'" in capsys.readouterr().err


def test_an_interval_that_says_more_than_the_test_is_explained() -> None:
    close = PairFigures(ADAPTER, BASE, "need more", "need more", 0.5, 0.06, 0.77, 0.063, 10, 5, 0)
    assert "(the interval clears 0, the exact test does not yet)" in close.said
    assert "clears" not in msgspec.structs.replace(close, low=-0.1).said


def test_json_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, data = made(tmp_path, "better", "tied")
    assert local_promote.run(parsed("promote", model, data, "--name", "mails", "--json")) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["is_promoted"], said["offers"], len(said["reasons"]), said["yaml"]) == (
        False,
        "tfidf",
        1,
        None,
    )


def test_back_and_forth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for content in (b"one", b"two"):
        model, data = made(tmp_path, "better", "better", content)
        assert local_promote.run(parsed("promote", model, data, "--name", "mails")) == 0
    first, second = read_aliases("mails").previous[0], read_aliases("mails").champion
    assert local_promote.run_rollback(parsed("rollback", "mails")) == 0
    assert read_aliases("mails").champion == first
    assert local_promote.run_rollback(parsed("rollback", "mails", "--to", second[:6])) == 0
    assert read_aliases("mails").champion == second
    capsys.readouterr()
    assert local_promote.run_rollback(parsed("rollback", "mails", "--json")) == 0
    assert json.loads(capsys.readouterr().out) == {"name": "mails", "version": first, "previous": []}


def test_a_changed_dataset_is_told(tmp_path: Path) -> None:
    model, data = made(tmp_path, "better", "better")
    lines = (tmp_path / "data" / "train.jsonl").read_text().splitlines()
    (tmp_path / "data" / "train.jsonl").write_text("\n".join(lines[1:]) + "\n")
    with pytest.raises(UsageError, match="curate again"):
        local_promote.run(parsed("promote", model, data, "--name", "mails"))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--name", "Mails"], "can't name a model"),
        (["--name", "mails", "--head", "embedding"], "no embedding head was measured; measured: tfidf"),
    ],
)
def test_wrong_usage_is_told(tmp_path: Path, words: list[str], why: str) -> None:
    model, data = made(tmp_path, "better", "better")
    with pytest.raises(UsageError, match=why):
        local_promote.run(parsed("promote", model, data, *words))
    (tmp_path / "model" / "eval.json").unlink()
    with pytest.raises(UsageError, match="not measured yet"):
        local_promote.run(parsed("promote", model, data, "--name", "mails"))


@pytest.mark.parametrize(
    ("word", "head", "code"),
    [("better", "better", 0), ("better", "tied", 1), ("worse", "better", 1), ("better", "need more", 2)],
)
def test_the_exit_code_of_eval(tmp_path: Path, word: Word, head: Word, code: int) -> None:
    report = FinetuneReport.load(Path(made(tmp_path, word, head)[0]))
    assert local_eval.verdict(report) == code
    assert local_eval.verdict(msgspec.structs.replace(report, judge_faults=("no",))) == 2
    broken = msgspec.structs.replace(report.arms[0], errors={"timeout": 20})
    assert local_eval.verdict(msgspec.structs.replace(report, arms=(broken, *report.arms[1:]))) == 3


def test_eval_tells_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    local_eval.tell(FinetuneReport.load(Path(made(tmp_path, "better", "need more")[0])))
    out = capsys.readouterr().out
    assert out.splitlines()[0].split()[:3] == ["arm", "exact", "95"]
    assert "adapter is better than base: +0.500 [+0.300, +0.700], p 0.01, 20 examples" in out
    assert "0 of 20 held-out examples leaked" in out


def test_wrong_numbers_are_told(tmp_path: Path) -> None:
    model, data = made(tmp_path, "better", "better")
    args = parsed("eval", model, data, "--limit", "0")
    with pytest.raises(UsageError, match="--limit must be at least 1"):
        local_eval.run(args)
