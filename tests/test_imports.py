"""What `import stepwell` may cost: no network, no heavy library."""

import json
import subprocess
import sys

import stepwell

HEAVY = (
    "litellm",
    "torch",
    "transformers",
    "peft",
    "gguf",
    "xllamacpp",
    "guardrails",
    "openai",
    "langchain_core",
    "faiss",
    "onnxruntime",
    "tiktoken",
    "aiohttp",
)


def _modules_after(code: str) -> set[str]:
    code += "\nimport sys, json; print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_loads_nothing_heavy() -> None:
    assert not _modules_after("import stepwell").intersection(HEAVY)


def test_a_well_loads_nothing_heavy_before_its_first_use() -> None:
    assert not _modules_after("from stepwell import Stepwell\nStepwell()").intersection(HEAVY)


def test_public_names() -> None:
    assert stepwell.__all__ == [
        "AllTiersFailed",
        "BadRequest",
        "BudgetExceeded",
        "Config",
        "ConfigError",
        "ContextTooLong",
        "Conversation",
        "Decision",
        "GuardBlocked",
        "QualityFloorUnmet",
        "Reply",
        "ReplyStream",
        "Stepwell",
        "StepwellError",
        "StreamBroken",
        "TierError",
        "openai_client",
    ]
    for name in stepwell.__all__:
        assert getattr(stepwell, name) is not None
