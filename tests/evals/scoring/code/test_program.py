"""Programs are found in answers however they are wrapped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.scoring.code.options import CodeOptions, options_fault
from stepwell.evals.scoring.code.program import programs
from stepwell.evals.scoring.code.sandbox import Sandbox

PROMPT = 'import math\n\n\ndef area(r):\n    """Area of a circle."""\n'
BODY = "    half = math.pi / 2\n    return 2 * half * r * r\n"
WHOLE = "def area(r):\n" + BODY
TEST = "def check(candidate):\n    assert abs(candidate(1) - 3.14159) < 1e-4\n"
HELPER = "def half_pi():\n    return math.pi / 2\n"
USING = "def area(r):\n    return 2 * half_pi() * r * r\n"

ANSWERS = {
    "bare": WHOLE,
    "fenced": f"Sure!\n\n```python\n{WHOLE}```\nIt multiplies.",
    "fenced, no language": f"```\n{WHOLE}```",
    "fenced, py": f"```py\n{WHOLE}\n```",
    "fenced with tildes": f"~~~python\n{WHOLE}~~~",
    "fence left open": f"```python\n{WHOLE}",
    "in a list": "1. Code:\n" + "\n".join(f"   {line}" for line in f"```python\n{WHOLE}```".split("\n")),
    "windows lines": f"```python\n{WHOLE}```".replace("\n", "\r\n"),
    "bash beside it": f"```bash\npip install x\n```\n```python\n{WHOLE}```\n```bash\npython x.py\n```",
    "usage after it": f"```python\n{WHOLE}```\nUse it:\n```python\nprint(area(2))\n```",
    "corrected after it": f"```python\ndef area(r):\n    return 0\n```\nOops:\n```python\n{WHOLE}```",
    "helper in a block before": f"```python\n{HELPER}```\n```python\n{USING}```",
    "in two blocks": f"```python\n{USING}```\n```python\n{HELPER}```",
    "prose around": f"Here it is:\n\n{WHOLE}\nI hope it's of use!",
    "after thoughts": f"<think>\n```python\ndef area(r): return 1\n```\n</think>\n{WHOLE}",
    "body": BODY,
    "body without its first indent": BODY.lstrip(),
    "body dedented": "half = math.pi / 2\nreturn 2 * half * r * r",
    "body in a fence": f"```python\n{BODY}```",
    "body that runs on": f"{BODY}\n\ndef perimeter(r):\n    return 2 * (",
    "body and prose": f"{BODY}\nThis computes the area.",
    "with the prompt": f"```python\n{PROMPT}{BODY}```",
    "as a name": "```python\narea = lambda r: math.pi * r * r\n```",
    "with a main": f"```python\n{WHOLE}\nif __name__ == '__main__':\n    raise SystemExit(main())\n```",
}
WRONG = {
    "empty": "",
    "prose": "I can't do that.",
    "None": "```python\ndef area(r):\n    return None\n```",
    "pass": "    pass",
    "another name": "```python\ndef surface(r):\n    return math.pi * r * r\n```",
    "not python": "```javascript\nconst area = r => Math.PI * r * r\n```",
    "the prompt again": f"```python\n{PROMPT}```",
}


@pytest.fixture(scope="module")
def options() -> CodeOptions:
    return CodeOptions(entry_point="area", test=TEST, prompt=PROMPT)


@pytest.mark.parametrize("kind", ANSWERS)
async def test_a_right_answer_passes_in_every_wrapping(kind: str, options: CodeOptions) -> None:
    async with Sandbox(concurrency=1) as sandbox:
        assert (await sandbox.run(options.job(ANSWERS[kind]))).reason == "passed"


@pytest.mark.parametrize("kind", WRONG)
async def test_a_wrong_answer_does_not(kind: str, options: CodeOptions) -> None:
    async with Sandbox(concurrency=1) as sandbox:
        assert not (await sandbox.run(options.job(WRONG[kind]))).passed


@given(st.text(st.sampled_from("`~\n ad:ef(=)#python"), max_size=120), st.sampled_from(["", PROMPT]))
def test_any_answer_has_readings(answer: str, prompt: str) -> None:
    found = programs(answer, prompt=prompt, names=("area",))
    assert found
    assert all(isinstance(reading, str) for reading in found)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"test": "assert f()"}, None),
        (
            {"test_list": ["assert f()"], "entry_point": ["f", "g"], "timeout_s": 2, "max_memory_mb": 128},
            None,
        ),
        ({}, "give the tests"),
        ({"test_list": [" "]}, "give the tests"),
        ({"test": "assert f()", "colour": 1}, "colour"),
        ({"test": 1}, "str"),
        ({"test": "assert f()", "timeout_s": 0}, "timeout_s"),
        ({"test": "assert f()", "max_memory_mb": 1}, "max_memory_mb"),
    ],
)
def test_options_are_checked(options: dict[str, object], fault: str | None) -> None:
    found = options_fault(options)
    assert found is None if fault is None else fault in (found or "")
