"""The folder of a run: the journal, the rows that were asked, and what was made of them."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stepwell.evals.entries import JournalError
from stepwell.evals.suite import Suite, SuiteError


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Names the files of a run. A report is made of `journal` and `suite` alone."""

    path: Path

    @classmethod
    def of(cls, path: str | Path) -> RunFolder:
        """The folder of a run that was made, named by itself or by its journal.

        Raises:
            JournalError: There is no journal.
        """
        found = Path(path)
        folder = cls(found if found.is_dir() else found.parent)
        if not folder.journal.is_file():
            raise JournalError(f"{path}: no run's folder: it holds no {folder.journal.name}")
        return folder

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def suite(self) -> Path:
        return self.path / "suite.jsonl.gz"

    @property
    def outcomes(self) -> Path:
        return self.path / "outcomes.jsonl"

    @property
    def page(self) -> Path:
        return self.path / "report.html"

    @property
    def markdown(self) -> Path:
        return self.path / "report.md"

    @property
    def json(self) -> Path:
        return self.path / "report.json"

    def keep_suite(self, suite: Suite) -> None:
        """Write down the rows, whole or not at all; mode 600, since prompts are nobody else's business.

        Raises:
            JournalError: It can't be written.
        """
        fresh = self.suite.with_suffix(".part")
        try:
            with os.fdopen(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
                # no name and no time: the same rows give the same bytes
                with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed:
                    packed.writelines(suite.lines())
            fresh.replace(self.suite)
        except OSError as e:
            raise JournalError(f"{self.suite}: {e.strerror}") from e

    def write_private(self, path: Path, data: Iterable[bytes]) -> None:
        """Write a file whole or not at all, mode 600: what holds prompts and answers is nobody else's business.

        Raises:
            JournalError: It can't be written.
        """
        fresh = path.with_name(path.name + ".part")
        try:
            with os.fdopen(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
                file.writelines(data)
            fresh.replace(path)
        except OSError as e:
            raise JournalError(f"{path}: {e.strerror}") from e

    def read_suite(self) -> Suite:
        """The rows that were asked.

        Raises:
            JournalError: They are not there, or are not whole.
        """
        try:
            return Suite.load(self.suite)
        except SuiteError as e:
            raise JournalError(str(e)) from e
