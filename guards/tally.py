"""Count what was found on the way to a verdict."""

from __future__ import annotations

import time
from collections.abc import Sequence

from stepwell.base.decisions import Action, Finding, Noted, Verdict
from stepwell.base.errors import GuardBlocked, GuardUnavailable
from stepwell.guards.tighten import WORST_FIRST

MAX_NOTED = 64
"""Findings that a verdict shows; all are counted."""


class Tally:
    """What the checks of one request at one stage found. Holds kinds, places and counts, never text.

    Args:
        policy: Names the effective rules.
    """

    def __init__(self, stage: str, *, policy: str = "") -> None:
        self._stage = stage
        self._policy = policy
        self._kinds: set[str] = set()
        self._n_findings = 0
        self._noted: list[Noted] = []
        self._errors: list[str] = []
        self._action: Action = "allow"
        self._began_s = time.perf_counter()
        self.keep_to: frozenset[str] | None = None
        self.review_id: str | None = None

    @property
    def verdict(self) -> Verdict:
        """What is known by now."""
        return Verdict(
            self._stage,
            self._action,
            tuple(sorted(self._kinds)),
            self._n_findings,
            tuple(self._errors),
            tuple(self._noted),
            None if self.keep_to is None else tuple(sorted(self.keep_to)),
            self._policy,
            (time.perf_counter() - self._began_s) * 1e3,
            self.review_id,
        )

    @property
    def n_notes(self) -> int:
        """Findings and errors so far."""
        return self._n_findings + len(self._errors)

    def add(
        self, findings: Sequence[Finding], action: Action, *, where: str = "", tiers: Sequence[str] = ()
    ) -> None:
        """Count findings under their rule's action.

        Args:
            where: Path of the text.
            tiers: Those that may still see the request, where the action is keep_to.

        Raises:
            GuardBlocked: The action is "block" and there is one.
        """
        if not findings:
            return
        for f in findings:
            self._kinds.add(f.kind)
            self._n_findings += 1
            if len(self._noted) < MAX_NOTED:
                self._noted.append(Noted(f.kind, where, f.start, f.end, round(f.score, 4), f.check, action))
        self._raise_to(action)
        if action == "keep_to":
            self.bind(tiers)
        if action == "block":
            self.block()

    def bind(self, tiers: Sequence[str]) -> None:
        """Only these tiers may see the request.

        Raises:
            GuardBlocked: None is left.
        """
        self._raise_to("keep_to")
        self.keep_to = frozenset(tiers) if self.keep_to is None else self.keep_to & frozenset(tiers)
        if not self.keep_to:
            self.block()

    def fail(self, error: str, on_error: str) -> None:
        """Note a check that failed.

        Raises:
            GuardUnavailable: The check is closed on errors.
        """
        self._errors.append(error)
        if on_error == "closed":
            self._action = "block"
            raise GuardUnavailable(
                f"The {self._stage} could not be checked ({error}); try again.", verdict=self.verdict
            )

    def note(self, error: str) -> None:
        """Say something of the checks themselves in the verdict."""
        if error not in self._errors:
            self._errors.append(error)

    def block(self) -> None:
        """Raises: GuardBlocked."""
        self._action = "block"
        raise GuardBlocked(self.said(), verdict=self.verdict)

    def said(self) -> str:
        """What was blocked, and why, without text."""
        none_left = self.keep_to is not None and not self.keep_to
        what = ", ".join(sorted(self._kinds)) or (
            "no tier may see it" if none_left else "a check that failed"
        )
        return f"The {self._stage} was blocked: {what}."

    def _raise_to(self, action: Action) -> None:
        if action == "log":  # what is only logged changes nothing for anybody
            return
        if self._action == "allow" or WORST_FIRST.index(action) < WORST_FIRST.index(self._action):
            self._action = action
