"""What one run of a tool gets, and what it is started with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

KEY = "sk-0123456789abcdef0123456789abcdef"
MODEL = "mock-grade-school"


@dataclass(frozen=True, slots=True)
class Question:
    """One grade-school question, always of the same length."""

    id: str
    text: str
    target: int


@dataclass(frozen=True, slots=True)
class Place:
    """One run.

    Attributes:
        folder: Empty; the tool's files go here.
    """

    folder: Path
    port: int
    questions: Sequence[Question]
    concurrency: int

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@dataclass(frozen=True, slots=True)
class Started:
    """How a tool is started.

    Attributes:
        logs: What it leaves for its user: folders and files.
    """

    command: Sequence[str]
    logs: Sequence[Path]
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tool:
    """One row of the table."""

    name: str
    start: Callable[[Place], Started]
    why_missing: str | None = None


def in_venv(venv: str, program: str) -> tuple[str, str | None]:
    """A program's path, and why it can't be used."""
    path = Path(os.environ.get("BENCH_VENVS", "venvs")).absolute() / venv / "bin" / program
    return str(path), None if path.exists() else f"{program} is not in $BENCH_VENVS/{venv}"
