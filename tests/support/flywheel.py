"""The loop of the fine-tuned tier by its commands, on a task that a small machine learns in half a minute."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.tools.make_refunds import Side, rows, system_prompt

# one of the nine formats that order numbers have
_PLAIN = re.compile(r"ORD-\d{4}-\d\d")
_MANY = 5000


@dataclass(frozen=True, slots=True)
class Said:
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Flywheel:
    """A folder in which the commands run; what is promoted lies there, too."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def stepwell(self, *words: str) -> Said:
        """The command line, as a shell would call it."""
        return self.python("-m", "stepwell.front.cli", *words)

    def python(self, *words: str) -> Said:
        """Another program."""
        done = subprocess.run(
            [sys.executable, *words],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**os.environ, "STEPWELL_HOME": str(self.home)},
            timeout=900,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def write_suite(self, name: str, side: Side, n_rows: int) -> None:
        """Refund mails of which only the order number is wanted."""
        lines = (json.dumps(row) + "\n" for row in order_rows(side, n_rows))
        (self.folder / name).write_text("".join(lines), encoding="utf-8")


def order_rows(side: Side, n_rows: int) -> Iterator[dict[str, Any]]:
    """Rows of a suite; mails of one side never come on the other, and held-out rows are of one mail each."""
    seen = set[object]()
    for row in rows(side, _MANY, is_small=True):
        order = json.loads(str(row["target"]))["order"]
        is_again = side == "held_out" and row["cluster"] in seen
        if len(seen) < n_rows and _PLAIN.fullmatch(order) and not is_again:
            seen.add(row["cluster"] if side == "held_out" else row["id"])
            said: Any = row["messages"]
            system = {"role": "system", "content": system_prompt(["order"])}
            target = json.dumps({"order": order}, separators=(",", ":"))
            yield {**row, "messages": [system, said[-1]], "target": target}
