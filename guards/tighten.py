"""What a route adds to the rules of all: it can only tighten."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, get_args

from stepwell.base.config.guards import CheckConfig, GuardAction, GuardRoute, GuardStages
from stepwell.base.decisions import Stage
from stepwell.base.errors import ConfigError

if TYPE_CHECKING:
    from stepwell.guards.rules import Rule

STAGES: tuple[Stage, ...] = get_args(Stage)
WORST_FIRST: tuple[GuardAction, ...] = get_args(GuardAction)
_LIKE: dict[Stage, Stage] = {
    "retrieved": "input",
    "tool_result": "input",
    "tool_args": "output",
    "stream": "output",
}
# what a binding or a person lets pass the other still has to cut, bind or ask again
_BESIDE: dict[GuardAction, tuple[GuardAction, ...]] = {
    "keep_to": ("mask", "redact"),
    "review": ("reask", "escalate", "keep_to", "mask", "redact"),
}


def checks_of(stages: GuardStages, stage: Stage) -> list[CheckConfig]:
    """The checks of a stage: its own list, else that of input or output."""
    own: list[CheckConfig] | None = getattr(stages, stage)
    return own if own is not None else checks_of(stages, _LIKE[stage])


def tightened(
    base: GuardStages, route: GuardRoute, stage: Stage, made_of: Callable[[CheckConfig], Rule]
) -> tuple[Rule, ...]:
    """The rules of a stage where a route applies.

    What the route says of a check that runs for all changes that one. Compared is what is in effect: the action and
    the threshold that a default stands for, too.

    Raises:
        ConfigError: The route would loosen what holds for all.
    """
    configs = checks_of(base, stage)
    rules = [made_of(c) for c in configs]
    found = list(rules)
    for config in checks_of(route, stage):
        at = next((i for i, c in enumerate(configs) if _changes(config, c, rules[i].action)), None)
        rule = made_of(config if at is None else _overlaid(configs[at], config))
        if at is not None and (name := _looser_in(rules[at], rule)) is not None:
            new, old = _said(getattr(rule, name)), _said(getattr(rules[at], name))
            raise ConfigError(
                f"guards.routes.{route.name}, {stage}, {config.check}: {name} {new} would loosen {old}"
            )
        found.append(rule)
    return strictest(found)


def strictest(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """All of these but those that another makes needless, the most severe action first.

    Where none of two is the stricter in everything, both run.
    """
    kept: list[Rule] = []
    for rule in sorted(rules, key=lambda r: (WORST_FIRST.index(r.action), r.timeout_s)):
        if not any(_covers(k, rule) for k in kept):
            kept = [*(k for k in kept if not _covers(rule, k)), rule]
    return tuple(kept)


def _changes(new: CheckConfig, base: CheckConfig, action: GuardAction) -> bool:
    """Whether `new` is said of `base`, whose action in effect is given; else it runs beside it."""
    if base.check != new.check or (new.options and base.options != new.options):
        return False
    if new.action is None:
        return action != "keep_to"
    return not _go_together(action, new.action)


def _overlaid(base: CheckConfig, new: CheckConfig) -> CheckConfig:
    """`base` with what `new` sets."""
    changed = {name: getattr(new, name) for name in new.model_fields_set - {"check", "options"}}
    both = {**base.model_dump(exclude_unset=True), **changed, "check": base.check}
    if "threshold" in changed:
        both["false_blocks"] = None
    elif "false_blocks" in changed:
        both["threshold"] = None
    if both.get("action") != "keep_to":
        both["tiers"] = []
    return CheckConfig.model_validate(both)


def _covers(a: Rule, b: Rule) -> bool:
    """Whether `b` adds nothing where `a` runs."""
    is_same = (a.named["check"], a.named["options"]) == (b.named["check"], b.named["options"])
    return is_same and not _go_together(a.action, b.action) and _looser_in(b, a) is None


def _go_together(a: GuardAction, b: GuardAction) -> bool:
    return b in _BESIDE.get(a, ()) or a in _BESIDE.get(b, ())


def _looser_in(base: Rule, new: Rule) -> str | None:
    """In what `new` lets more pass than `base`, of the same check; None: in nothing."""
    looser = {
        "action": WORST_FIRST.index(new.action) > WORST_FIRST.index(base.action),
        "threshold": new.threshold > base.threshold,
        "on_error": (base.on_error, new.on_error) == ("closed", "open"),
        # too slow, then let through
        "timeout_s": new.on_error == "open" and new.timeout_s < base.timeout_s,
        "tiers": new.action == base.action and not set(new.tiers) <= set(base.tiers),
        "n_reasks": new.action == base.action and new.n_reasks > base.n_reasks,
    }
    return next((name for name, is_so in looser.items() if is_so), None)


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
