"""Options of the scorer `code`: what a row's tests are, and what they need."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from stepwell.evals.scoring.code.program import defined, programs
from stepwell.evals.scoring.code.sandbox import MAX_MEMORY_MB, TIMEOUT_S, Job


class CodeOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a row says of its tests, in the words of HumanEval and MBPP.

    Attributes:
        entry_point: What the program must define; a list where it is more than one thing.
        test: Statements; where they define `check`, that is called with the entry point.
        test_list: Statements, one test each.
        test_imports: Import lines for program and tests.
        test_setup_code: Statements before the tests.
        prompt: Python that the answer goes on with. Its helpers are what the tests use, whatever the program says.
        timeout_s: Wall-clock seconds for program and tests.
        max_memory_mb: Address space of each.
    """

    entry_point: str | list[str] = ""
    test: str = ""
    test_list: list[str] = []
    test_imports: list[str] = []
    test_setup_code: str = ""
    prompt: str = ""
    timeout_s: float = TIMEOUT_S
    max_memory_mb: int = MAX_MEMORY_MB

    @property
    def names(self) -> tuple[str, ...]:
        names = [self.entry_point] if isinstance(self.entry_point, str) else self.entry_point
        return tuple(name for name in names if name)

    def job(self, answer: str) -> Job:
        """What to run for an answer."""
        imports = "\n".join(self.test_imports)
        readings = programs(answer, prompt=self.prompt, names=self.names)
        return Job(
            tuple(f"{imports}\n{reading}" for reading in readings) if imports else readings,
            self._tests(),
            f"{imports}\n{self.prompt}",
            self.names,
        )

    def _tests(self) -> str:
        parts = [self.test_setup_code, self.test, *self.test_list]
        if "check" in defined(self.test) and self.names:
            parts.append(f"check({self.names[0]})")
        return "\n".join(parts)


def options_fault(options: Mapping[str, object]) -> str | None:
    """What is wrong with a row's options; shows nothing of them."""
    try:
        read = msgspec.convert(dict(options), CodeOptions)
    except msgspec.ValidationError as e:
        return str(e)
    if not (read.test.strip() or any(test.strip() for test in read.test_list)):
        return "give the tests: test or test_list"
    if not 0 < read.timeout_s <= 3600 or read.max_memory_mb < 64:
        return "timeout_s must be above 0 and at most 3600, max_memory_mb at least 64"
    return None
