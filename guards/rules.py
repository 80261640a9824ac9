"""The effective policy: which check runs, and what its findings do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from stepwell.base.config import CheckConfig
from stepwell.base.config.guards import GuardAction
from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError
from stepwell.base.plug import load
from stepwell.guards import checks
from stepwell.guards.check import WHOLE_TEXT, Check, Judge, StreamCheck
from stepwell.guards.deadline import run_limited

ADAPTER = "guardrails:"
WORST_FIRST = ("block", "review", "reask", "escalate", "keep_to", "mask", "redact", "log")


@dataclass(frozen=True, slots=True)
class Rule:
    """One check with what its findings do.

    Attributes:
        threshold: Findings that score less don't count.
        tiers: Which ones may still see the request, where the action is keep_to.
        is_plugged: Foreign code, run with a time limit.
    """

    check: Check
    action: GuardAction
    on_error: Literal["closed", "open"] = "closed"
    timeout_s: float = 1.0
    is_plugged: bool = False
    threshold: float = 0.0
    tiers: tuple[str, ...] = ()
    n_reasks: int = 0

    @property
    def stream_check(self) -> StreamCheck | None:
        """The check, where it is ours and tells what is open."""
        return self.check if not self.is_plugged and isinstance(self.check, StreamCheck) else None

    @property
    def needs_whole(self) -> bool:
        """Whether it can only judge a text that has ended."""
        return self.action == "log" or self.check.max_len <= WHOLE_TEXT

    def find(self, text: str) -> list[Finding]:
        """Run the check; blocks for up to `timeout_s` where it is plugged in.

        Raises:
            CheckFailed: It failed, was too slow or found something outside the text.
        """
        if not self.is_plugged:
            return self.check.find(text)
        return run_limited(self.check, text, self.timeout_s)


def build(configs: Sequence[CheckConfig]) -> tuple[Rule, ...]:
    """Build rules, the most severe action first.

    Raises:
        ConfigError: A check is unknown or does not take its options.
    """
    rules = [_rule(c) for c in configs]
    return tuple(sorted(rules, key=lambda r: WORST_FIRST.index(r.action)))


def _rule(config: CheckConfig) -> Rule:
    is_ours = config.check in checks.names()
    check = checks.make(config.check, config.options) if is_ours else _plugged(config)
    action = config.action or ("block" if isinstance(check, Judge) else "redact")
    return Rule(
        check,
        action,
        config.on_error,
        config.timeout_s,
        is_plugged=not is_ours,
        threshold=config.threshold or 0.0,
        tiers=tuple(config.tiers),
        n_reasks=config.n_reasks if action == "reask" else 0,
    )


def _plugged(config: CheckConfig) -> Check:
    if config.check.startswith(ADAPTER):
        from stepwell.guards.guardrails_ai import GuardrailsCheck

        return GuardrailsCheck(config.check.removeprefix(ADAPTER), config.options)
    try:
        found = load(config.check, group="stepwell.checks")
    except ConfigError as e:
        raise ConfigError(f"check {config.check!r} is none of {', '.join(checks.names())}; {e}") from e
    made = found(**config.options) if isinstance(found, type) or not isinstance(found, Check) else found
    if not isinstance(made, Check):
        raise ConfigError(
            f"check {config.check!r} gives a {type(made).__name__} without name, kinds, max_len and find"
        )
    return made
