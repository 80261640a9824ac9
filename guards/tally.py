"""Count what was found on the way to a verdict."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.base.decisions import Action, Finding, Verdict
from stepwell.base.errors import GuardBlocked


class Tally:
    """What the checks of one request at one stage found. Holds kinds and counts, never text."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._kinds: set[str] = set()
        self._n_findings = 0
        self._errors: list[str] = []
        self._action: Action = "allow"
        self.verdict = Verdict(stage)

    def add(self, findings: Sequence[Finding], action: str) -> None:
        """Count findings under their rule's action.

        Raises:
            GuardBlocked: The action is "block" and there is one.
        """
        if not findings:
            return
        for f in findings:
            self._kinds.add(f.kind)
            self._n_findings += 1
            if action == "redact":
                self._action = "redact"
        if action == "block":
            self.block()
        self._conclude()

    def fail(self, error: str, on_error: str) -> None:
        """Note a check that failed.

        Raises:
            GuardBlocked: The check is closed on errors.
        """
        self._errors.append(error)
        self._conclude()
        if on_error == "closed":
            self.block()

    def block(self) -> None:
        """Raises: GuardBlocked."""
        self._action = "block"
        self._conclude()
        what = ", ".join(sorted(self._kinds)) or "a check that failed"
        raise GuardBlocked(f"The {self._stage} was blocked: {what}.", verdict=self.verdict)

    def _conclude(self) -> None:
        kinds = tuple(sorted(self._kinds))
        self.verdict = Verdict(self._stage, self._action, kinds, self._n_findings, tuple(self._errors))
