"""Which check runs, and what its findings do."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from stepwell.base.config import CheckConfig
from stepwell.base.config.guards import GuardAction
from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError
from stepwell.base.plug import load
from stepwell.guards import checks
from stepwell.guards.check import (
    WHOLE_TEXT,
    Check,
    ContextCheck,
    ForeignCheck,
    Judge,
    SchemaCheck,
    StreamCheck,
)
from stepwell.guards.deadline import run_limited
from stepwell.guards.escaped import read
from stepwell.guards.folded import find_read
from stepwell.guards.normalise.offsets import Folded
from stepwell.guards.tighten import WORST_FIRST

ADAPTER = "guardrails:"


class Tuned(Protocol):
    """Thresholds calibrated on one's own traffic (guards.calibrate)."""

    def threshold(self, check: str, budget: float) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Budgets:
    """How many honest texts may be flagged, 0..1, and the thresholds that were tuned for that."""

    false_blocks: float = 0.01
    tuned: Tuned | None = None

    def threshold(self, check: Check, config: CheckConfig) -> tuple[float, str]:
        """Least score that counts, and what it rests on: "set", "tuned", "shipped" or ""."""
        if config.threshold is not None:
            return config.threshold, "set"
        if not isinstance(check, Judge):
            return 0.0, ""
        budget = self.false_blocks if config.false_blocks is None else config.false_blocks
        tuned = None if self.tuned is None else self.tuned.threshold(check.name, budget)
        if tuned is not None:
            return tuned, "tuned"
        return check.default_threshold(budget), "shipped"


@dataclass(frozen=True, slots=True)
class Rule:
    """One check with what its findings do.

    Attributes:
        threshold: Findings that score less don't count.
        rests_on: What the threshold rests on: "set", "tuned", "shipped"; "" where there is none.
        tiers: Which ones may still see the request, where the action is keep_to.
        is_plugged: Foreign code, run with a time limit.
        named: What tells the rule from others.
        is_judge: Whether it scores a text by what it learned, and may take milliseconds.
        reads_context: Whether it has to know more than the text.
    """

    check: Check
    action: GuardAction
    on_error: Literal["closed", "open"] = "closed"
    timeout_s: float = 1.0
    is_plugged: bool = False
    threshold: float = 0.0
    rests_on: str = ""
    tiers: tuple[str, ...] = ()
    n_reasks: int = 0
    named: Mapping[str, Any] = field(default_factory=dict)
    is_judge: bool = field(init=False)
    reads_context: bool = field(init=False)

    def __post_init__(self) -> None:
        # asked for each text: a look whether an object fits a protocol takes 30 us
        object.__setattr__(self, "is_judge", not self.is_plugged and isinstance(self.check, Judge))
        object.__setattr__(self, "reads_context", isinstance(self.check, ContextCheck))

    @property
    def stream_check(self) -> StreamCheck | None:
        """The check, where it is ours and tells what is open."""
        return self.check if not self.is_plugged and isinstance(self.check, StreamCheck) else None

    @property
    def needs_whole(self) -> bool:
        """Whether it can only judge a text that has ended."""
        return self.action == "log" or self.check.max_len <= WHOLE_TEXT

    def applies_to(self, has_schema: bool) -> bool:
        """Whether it has anything to say of answers to a request, by whether that asks for a schema."""
        return has_schema or not isinstance(self.check, SchemaCheck) or self.check.has_own_schema

    def counted(self, found: list[Finding]) -> list[Finding]:
        """Those that reach the threshold."""
        return found if self.threshold <= 0 else [f for f in found if f.score >= self.threshold]

    def find(self, text: str, *, is_json: bool = False) -> list[Finding]:
        """Run the check, ours on the text as it reads too; blocks for up to `timeout_s` where it is plugged in.

        Raises:
            CheckFailed: It failed, was too slow or found something outside the text.
        """
        if self.is_plugged:
            return self.counted(run_limited(self.check, text, self.timeout_s))
        return self.find_read(text, None if self.reads_context else read(text, is_json=is_json))

    def find_read(self, text: str, folded: Folded | None) -> list[Finding]:
        """Run a check of ours on the text and on how it reads (`escaped.read`)."""
        return self.counted(find_read(self.check.find, text, folded))


def build(configs: Sequence[CheckConfig], budgets: Budgets | None = None) -> tuple[Rule, ...]:
    """Build rules, the most severe action first.

    Raises:
        ConfigError: A check is unknown or does not take its options.
    """
    rules = [make_rule(c, budgets or Budgets()) for c in configs]
    return tuple(sorted(rules, key=lambda r: WORST_FIRST.index(r.action)))


def make_rule(config: CheckConfig, budgets: Budgets) -> Rule:
    """One rule. Raises as `build` does."""
    is_ours = config.check in checks.names()
    check = checks.make(config.check, config.options) if is_ours else _plugged(config)
    action = config.action or _default_action(check)
    threshold, rests_on = budgets.threshold(check, config)
    return Rule(
        check,
        action,
        config.on_error,
        config.timeout_s,
        is_plugged=not is_ours or isinstance(check, ForeignCheck),
        threshold=threshold,
        rests_on=rests_on,
        tiers=tuple(config.tiers),
        n_reasks=config.n_reasks if action == "reask" else 0,
        named={**config.model_dump(mode="json"), "action": action, "threshold": threshold},
    )


def _default_action(check: Check) -> GuardAction:
    """What has a place in the text is cut out; what is wrong with the text as a whole blocks it."""
    is_whole = isinstance(check, Judge | SchemaCheck) or getattr(check, "blocks", False)
    return "block" if is_whole else "redact"


def _plugged(config: CheckConfig) -> Check:
    if config.check.startswith(ADAPTER):
        from stepwell.guards.guardrails_ai import GuardrailsCheck

        return GuardrailsCheck(config.check.removeprefix(ADAPTER), config.options)
    try:
        found = load(config.check, group="stepwell.checks")
    except ConfigError as e:
        near = difflib.get_close_matches(config.check, checks.names(), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        known = ", ".join(checks.names())
        raise ConfigError(f"check {config.check!r} is unknown; {hint}There are {known}; {e}") from e
    made = found(**config.options) if isinstance(found, type) or not isinstance(found, Check) else found
    if not isinstance(made, Check):
        raise ConfigError(
            f"check {config.check!r} gives a {type(made).__name__} without name, kinds, max_len and find"
        )
    return made
