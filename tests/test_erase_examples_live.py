"""From a live house's masked log to examples, a dataset and a trained adapter; then one user is erased from all."""

import json
from pathlib import Path

import msgspec
import pytest
import yaml

from stepwell.evals.finetune.data.dataset import Dataset
from stepwell.evals.finetune.data.example import read_examples
from stepwell.evals.finetune.train.recipe import Recipe
from stepwell.evals.finetune.train.trained import CARD, TrainingCard
from stepwell.front.cli.main import main
from stepwell.router.outcome_notes import tenant_digest, user_digest
from stepwell.testing import FakeTier
from stepwell.traffic_line import Logged
from tests.house import house

TENANT, USERS = "jam-makers", ("kim", "ann")
FRUIT = {"kim": "marmalade", "ann": "rhubarb"}
N_ASKS = 40


async def log_of(path: Path) -> None:
    """Both users ask the dear tier and the cheap one, in conversations of two turns."""
    answers = FakeTier(lambda request: "Answer: " + request.messages[-1].text)
    async with house(FakeTier("cheap talk"), answers, traffic={"path": str(path), "keep": "masked"}) as well:
        for n in range(N_ASKS):
            for user in USERS:
                await well.achat(
                    f"{FRUIT[user]} jar number {n}, for kim.mail{n}@jam.example?",
                    tenant=TENANT,
                    user=user,
                    session=f"talk {n // 2}",
                    tier="dear",
                )
        await well.achat("Something cheap?", tenant=TENANT, user="kim")
        await well.achat("Of somebody who did not agree?", tenant="others", tier="dear")


def under(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())


@pytest.fixture
def stepwell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration for the commands."""
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path / "home"))
    config = tmp_path / "stepwell.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "traffic": {"path": str(tmp_path / "data" / "traffic.jsonl"), "keep": "masked"},
                "finetune": {"consented_tenants": [TENANT], "folders": [str(tmp_path / "data")]},
            }
        )
    )
    return config


def trained_on(dataset: Dataset, folder: Path) -> Path:
    folder.mkdir()
    card = TrainingCard(Recipe(), "b", dataset.card.sha256, "w", 10, 1, 0.5, 1.0)
    (folder / CARD).write_bytes(msgspec.json.encode(card))
    return folder


async def test_an_erased_user_is_nowhere_and_the_adapter_is_marked(
    tmp_path: Path, stepwell: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import asyncio

    data = tmp_path / "data"
    data.mkdir()
    await log_of(data / "traffic.jsonl")

    def command(*words: str) -> int:
        return main(["local", *words, "--config", str(stepwell)])

    def steps() -> None:
        examples, folder = data / "examples.jsonl", data / "dataset"
        assert command("collect", str(data / "traffic.jsonl"), "--out", str(examples)) == 0
        assert command("curate", str(examples), "--out", str(folder)) == 0

    await asyncio.to_thread(steps)
    found = list(read_examples([data / "examples.jsonl"]))
    assert len(found) == 2 * N_ASKS
    assert {e.tier for e in found} == {"dear"}
    assert len({e.group for e in found}) == N_ASKS
    assert all("[EMAIL]" in e.ask and "[EMAIL]" in e.answer for e in found)
    dataset = Dataset.load(data / "dataset")
    assert {e.group for e in dataset.train}.isdisjoint({e.group for e in dataset.held_out})
    assert dataset.card.tiers == {"dear": 2 * N_ASKS}
    training = trained_on(dataset, data / "training")

    kim = user_digest(tenant_digest(TENANT), "kim").hex().encode()
    assert kim in under(data)
    capsys.readouterr()
    assert await asyncio.to_thread(command, "erase", "--tenant", TENANT, "--user", "kim", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["n_examples"], told["n_lines"], told["learnt"]) == (N_ASKS, 2 * N_ASKS + 1, [str(training)])
    left = under(data)
    assert kim not in left
    assert b"marmalade" not in left
    assert b"kim" not in left
    assert b"rhubarb" in left
    after = Dataset.load(data / "dataset").card
    assert (after.n_erased, after.earlier) == (N_ASKS, (dataset.card.sha256,))
    assert (training / "tainted.json").exists()


async def test_lines_name_nobody_and_tell_users_and_conversations_apart(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    async with house(FakeTier("a"), FakeTier("b"), traffic={"path": str(path)}) as well:
        for user, session in (("kim", "x"), ("kim", "y"), ("ann", "x"), (None, None)):
            await well.achat("Hi", tenant=TENANT, user=user, session=session)
        await well.achat("Hi", user="kim", session="x")
    lines = [msgspec.json.decode(raw, type=Logged) for raw in path.read_bytes().splitlines()]
    assert [line.user for line in lines[:2]] == [user_digest(tenant_digest(TENANT), "kim").hex()] * 2
    assert len({line.user for line in lines}) == 4
    assert len({line.conversation for line in lines}) == 5
    assert (lines[3].user, lines[3].conversation) == ("", "")
    assert b"kim" not in path.read_bytes()
