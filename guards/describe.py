"""The effective policy as people read it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from stepwell.guards.policy import Policies, Policy
from stepwell.guards.rules import Rule
from stepwell.guards.tighten import STAGES


@dataclass(frozen=True, slots=True)
class RuleView:
    """One line of the effective policy.

    Attributes:
        route: What it is added for; "" for what holds for all.
        threshold: Least score that counts; 0 where there is none.
        rests_on: "set", "tuned" or "shipped"; "" where there is no threshold.
        options: Of the check, as JSON.
    """

    stage: str
    check: str
    kinds: tuple[str, ...]
    action: str
    on_error: str
    route: str = ""
    threshold: float = 0.0
    rests_on: str = ""
    tiers: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()


def described(policies: Policies) -> tuple[RuleView, ...]:
    """In the order in which it runs; then what each route adds or changes."""
    base, *routes = policies.all()
    views = _views(base)
    for policy in routes:
        plain = [replace(v, route="") for v in views]
        views += [v for v in _views(policy, policy.routes[0]) if replace(v, route="") not in plain]
    return tuple(views)


def _options(rule: Rule) -> tuple[tuple[str, str], ...]:
    """What was set beside the action, as it was written."""
    given = rule.named.get("options") or {}
    more = {name: rule.named[name] for name in ("n_reasks",) if rule.action == "reask"}
    return tuple((name, json.dumps(value, default=str)) for name, value in {**given, **more}.items())


def _views(policy: Policy, route: str = "") -> list[RuleView]:
    return [
        RuleView(
            stage,
            r.check.name,
            tuple(r.check.kinds),
            r.action,
            r.on_error,
            route,
            r.threshold,
            r.rests_on,
            r.tiers,
            _options(r),
        )
        for stage in STAGES
        for r in policy.rules[stage]
    ]
