"""What a route adds to the rules of all: it can only tighten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from stepwell.base.config.guards import CheckConfig, GuardAction, GuardRoute, GuardStages
from stepwell.base.decisions import Stage
from stepwell.base.errors import ConfigError

STAGES: tuple[Stage, ...] = get_args(Stage)
WORST_FIRST: tuple[GuardAction, ...] = get_args(GuardAction)
_LIKE: dict[Stage, Stage] = {
    "retrieved": "input",
    "tool_result": "input",
    "tool_args": "output",
    "stream": "output",
}


def checks_of(stages: GuardStages, stage: Stage) -> list[CheckConfig]:
    """The checks of a stage: its own list, else that of input or output."""
    own: list[CheckConfig] | None = getattr(stages, stage)
    return own if own is not None else checks_of(stages, _LIKE[stage])


def tightened(base: GuardStages, routes: Sequence[GuardRoute], stage: Stage) -> list[CheckConfig]:
    """The checks of a stage where some routes apply, in their order.

    Raises:
        ConfigError: A route would loosen what holds for all.
    """
    made = list(checks_of(base, stage))
    for route in routes:
        for config in checks_of(route, stage):
            at = next((i for i, c in enumerate(made) if _is_same(c, config)), None)
            if at is None:
                made.append(config)
            else:
                made[at] = _tighter(made[at], config, f"guards.routes.{route.name}, {stage}, {config.check}")
    return made


_CUTTING = ("mask", "redact")


def _is_same(a: CheckConfig, b: CheckConfig) -> bool:
    """Whether `b` changes `a`; cutting values out and binding to tiers go side by side."""
    if a.check != b.check or (b.options and a.options != b.options):
        return False
    return not ({a.action, b.action} & {"keep_to"} and {a.action, b.action} & {*_CUTTING, None})


def _tighter(base: CheckConfig, new: CheckConfig, where: str) -> CheckConfig:
    """`base` with what `new` sets."""
    changed = {name: getattr(new, name) for name in new.model_fields_set - {"check", "options"}}
    for name, value in changed.items():
        if _is_looser(name, getattr(base, name), value):
            raise ConfigError(f"{where}: {name} {_said(value)} would loosen {_said(getattr(base, name))}")
    if "false_blocks" in changed and base.threshold is not None:
        raise ConfigError(f"{where}: a threshold is set for all, so false_blocks can't tell if it tightens")
    both = {**base.model_dump(exclude_unset=True), **changed, "check": base.check}
    if "threshold" in changed:
        both["false_blocks"] = None
    if both.get("action") != "keep_to":
        both["tiers"] = []
    return CheckConfig.model_validate(both)


def _is_looser(name: str, base: object, new: object) -> bool:
    match name, base, new:
        case "action", str(), str() if base in WORST_FIRST and new in WORST_FIRST:
            return WORST_FIRST.index(new) > WORST_FIRST.index(base)
        case "threshold", float(), float():
            return new > base
        case "false_blocks", float(), float():
            return new < base
        case "on_error", _, _:
            return base == "closed" and new == "open"
        case "tiers", list(), list():
            return bool(base) and not set(new) <= set(base)
        case "n_reasks", int(), int():
            return new > base
    return False


def _said(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
