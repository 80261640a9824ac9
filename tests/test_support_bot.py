"""The example of a support bot: refunds are read by the fine-tuned tier, and only what it read goes on."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from stepwell import Config, Stepwell
from stepwell.router.tiers import weights
from stepwell.testing import FakeTier
from tests.support.fine_tuned import MODEL, adapter_bundle

PROGRAM = Path(__file__).parents[1] / "notebooks" / "support_bot.py"
READ = {"order": "A-20941", "item": "walnut tray", "amount": 34.9, "currency": "EUR", "reason": "damaged"}
REFUND = "I'd like my money back for the walnut tray, my secret wish. Order A-20941, EUR 34.90, cracked."
RULE = {"name": "refunds", "keywords": ["refund", "money back"], "pin": "refunds"}


pytestmark = pytest.mark.skipif(weights.find(MODEL) is None, reason="the weights of the base are not here")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refunds")
    adapter_bundle(folder, 1, name="refunds", system="refund", max_output_tokens=16)
    return folder


@pytest.fixture(scope="module")
def bot() -> ModuleType:
    spec = importlib.util.spec_from_file_location("support_bot", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["support_bot"] = module
    spec.loader.exec_module(module)
    return module


def _sections(bundle: Path) -> dict[str, Any]:
    return {
        "tiers": {
            "refunds": {"model": f"local/{bundle}"},
            "premium": {"model": "openai/gpt-4.1", "api_key_env": "NO_KEY"},
        },
        "routing": {"rules": [RULE]},
        "promises": {"min_p_ok": 0},
        "cache": {"exact": False, "semantic": "off"},
    }


def _well(bundle: Path, reads: str) -> tuple[Stepwell, FakeTier, FakeTier]:
    reader, writer = FakeTier(reads), FakeTier("Thank you, we will look into it.")
    return (
        Stepwell(Config.make(_sections(bundle)), backends={"refunds": reader, "premium": writer}),
        reader,
        writer,
    )


def test_a_refund_is_read_by_the_fine_tuned_tier_and_only_the_fields_go_on(
    bot: ModuleType, bundle: Path
) -> None:
    well, reader, writer = _well(bundle, json.dumps(READ))
    with well:
        done = bot.handle(well, REFUND)
    assert (done.tier, done.fields, done.reply) == ("refunds", READ, "Thank you, we will look into it.")
    assert [r.messages[-1].text for r in reader.requests] == [REFUND]
    (asked,) = writer.requests
    said = " ".join(m.text for m in asked.messages)
    assert "A-20941" in said
    assert "secret wish" not in said


def test_what_the_tier_could_not_read_is_asked_for(bot: ModuleType, bundle: Path) -> None:
    for answer in ("", "{", "[]", '{"order": "A-1"}', "I can't."):
        well, _, writer = _well(bundle, answer)
        with well:
            done = bot.handle(well, REFUND)
        assert done.fields == {}
        assert "order number" in writer.requests[0].messages[-1].text


def test_talk_goes_to_the_others(bot: ModuleType, bundle: Path) -> None:
    well, reader, _ = _well(bundle, json.dumps(READ))
    with well:
        done = bot.handle(well, "Do you ship to Norway?")
    assert (done.tier, done.fields) == ("premium", {})
    assert reader.requests == []


def test_it_runs_on_a_real_adapter_with_a_stand_in_for_what_has_no_key(bundle: Path, tmp_path: Path) -> None:
    config = tmp_path / "stepwell.yaml"
    config.write_text(yaml.safe_dump(_sections(bundle)))
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--config", str(config)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("A stand-in wrote this.") == 2
    assert "refunds: {}" in done.stdout
    assert "premium: {}" in done.stdout
    assert "premium: no key is set" in done.stderr


def test_a_missing_configuration_is_told_in_a_line(tmp_path: Path) -> None:
    program = [sys.executable, str(PROGRAM), "--config", str(tmp_path / "none.yaml")]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("support_bot: ")
    assert "Traceback" not in done.stderr
