"""The file that `stepwell guard tune` writes: thresholds for one's own traffic."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from stepwell.base.errors import ConfigError
from stepwell.guards.calibrate.cut import NEVER, Cut
from stepwell.guards.calibrate.fingerprint import fingerprint

VERSION = 1


class TunedCut(msgspec.Struct, frozen=True):
    """A threshold for one budget; see `cut.Cut`."""

    threshold: float
    false_blocks: float
    confidence: float
    rests_on: Literal["rows", "tail"]


class TunedCheck(msgspec.Struct, frozen=True):
    """Thresholds of one check.

    Attributes:
        cuts: By rising budget.
        fingerprint: Of the weights whose scores these are; "" for a check that is plugged in.
    """

    cuts: tuple[TunedCut, ...]
    n_honest: int
    fingerprint: str


class _File(msgspec.Struct, frozen=True):
    version: int
    checks: dict[str, TunedCheck]
    false_blocks: float | None = None


class Thresholds:
    """What the guards take instead of the shipped thresholds.

    Attributes:
        false_blocks: The budget that was asked for, 0..1; None where nobody said. A rule's own budget counts, else
            the configuration's; this one is for reports.
    """

    def __init__(self, checks: Mapping[str, TunedCheck], false_blocks: float | None = None) -> None:
        self.checks = dict(checks)
        self.false_blocks = false_blocks

    def threshold(self, check: str, budget: float) -> float | None:
        """For a budget of false blocks, 0..1; None where the check was not tuned.

        Of the tuned budgets the largest that is not above it; below all of them, 1 comes nearer as the budget does
        to 0.
        """
        tuned = self.checks.get(check)
        if tuned is None or not tuned.cuts:
            return None
        within = [c for c in tuned.cuts if c.false_blocks <= budget * (1 + 1e-9)]
        if within:
            return within[-1].threshold
        least = tuned.cuts[0]
        if least.threshold >= 1:
            return NEVER
        return 1 - (1 - least.threshold) * budget / least.false_blocks

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it whole, for the owner alone: scores tell something of requests. Blocks."""
        raw = msgspec.json.format(
            msgspec.json.encode(_File(VERSION, self.checks, self.false_blocks)), indent=1
        )
        to = Path(path)
        part = to.with_name(f".{to.name}.{os.getpid()}")
        part.touch(mode=0o600)
        try:
            part.write_bytes(raw + b"\n")
            part.replace(to)
        finally:
            part.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Thresholds:
        """Read what `save` wrote.

        Raises:
            ConfigError: It is not there or damaged, or the weights of a check are not those that were tuned.
        """
        try:
            file = msgspec.json.decode(Path(path).read_bytes(), type=_File)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as e:
            raise ConfigError(f"guards.thresholds: {path} can't be read: {type(e).__name__}") from e
        if file.version != VERSION:
            raise ConfigError(f"guards.thresholds: {path} is of version {file.version}, not {VERSION}")
        for name, tuned in file.checks.items():
            if tuned.fingerprint != fingerprint(name):
                raise ConfigError(
                    f"guards.thresholds: {path}: {name!r} has learned anew since; run `stepwell guard tune` again"
                )
        return cls(file.checks, file.false_blocks)


def tuned_cut(cut: Cut) -> TunedCut:
    """A cut as it is kept."""
    return TunedCut(cut.threshold, cut.false_blocks, round(cut.confidence, 4), cut.rests_on)
