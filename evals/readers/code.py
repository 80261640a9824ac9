"""HumanEval (Chen et al. 2021, arXiv:2107.03374) and MBPP (Austin et al. 2021, arXiv:2108.07732), run in a sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from stepwell.evals.readers.fields import Foreign, first_of, text, texts
from stepwell.evals.suite import SuiteError

_COMPLETE = "Complete this Python function. Answer with the whole function in one ```python block."
_WRITE = "Write it in Python. Answer with all of the code in one ```python block."
_DEFINED = re.compile(r"^(?:def|class)\s+(\w+)", re.M)


def fits(row: Foreign) -> bool:
    """Whether a row is one of either: it has a task and tests to run."""
    return {"entry_point", "test", "prompt"} <= set(row) or {"test_list", "code"} <= set(row)


def lines(rows: Iterable[Foreign]) -> Iterator[dict[str, object]]:
    """Rows {task_id, prompt, entry_point, test} or {task_id, text or prompt, code, test_list} as lines of a suite.

    The reference solution is no part of them.

    Raises:
        SuiteError: A field is missing or wrong.
    """
    for n, row in enumerate(rows, start=1):
        yield _mbpp(row, n) if "test_list" in row else _humaneval(row, n)


def _humaneval(row: Foreign, n: int) -> dict[str, object]:
    prompt = text(row, "prompt")
    return {
        "id": _id(row, n, "humaneval"),
        "prompt": f"{_COMPLETE}\n\n```python\n{prompt.strip()}\n```",
        "scorer": {
            "name": "code",
            "entry_point": text(row, "entry_point"),
            "test": text(row, "test"),
            "prompt": prompt,
        },
        "tags": ["humaneval"],
    }


def _mbpp(row: Foreign, n: int) -> dict[str, object]:
    task = text(row, first_of(row, ("text", "prompt")) or "prompt").strip()
    tests = texts(row, "test_list")
    scorer: dict[str, object] = {"name": "code", "test_list": tests, "entry_point": _called(row, tests)}
    imports = row.get("test_imports")
    if imports:
        scorer["test_imports"] = texts(row, "test_imports")
    setup = row.get("test_setup_code")
    if isinstance(setup, str) and setup.strip():
        scorer["test_setup_code"] = setup
    shown = "\n".join(tests)
    return {
        "id": _id(row, n, "mbpp"),
        "prompt": f"{task}\n\nThese tests must hold:\n\n```python\n{shown}\n```\n\n{_WRITE}",
        "scorer": scorer,
        "tags": ["mbpp"],
    }


def _called(row: Foreign, tests: list[str]) -> list[str]:
    """What the reference defines and the tests use: what an answer must define."""
    used = set(re.findall(r"\w+", "\n".join(tests)))
    called = [name for name in dict.fromkeys(_DEFINED.findall(text(row, "code"))) if name in used]
    if not called:
        raise SuiteError("the tests use nothing of what the reference defines", field="test_list")
    return called


def _id(row: Foreign, n: int, suite: str) -> str:
    """`mbpp-2`, `HumanEval/3`: upstream's numbers, told apart where suites are put together."""
    own = row.get("task_id")
    if isinstance(own, str) and own:
        return own
    return f"{suite}-{own if isinstance(own, int) else n}"
