"""The effective rules of one request: of all, and of the routes that apply to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from hashlib import blake2b
from typing import TYPE_CHECKING

from stepwell.base.config.guards import GuardRoute, GuardsConfig
from stepwell.base.decisions import Stage
from stepwell.base.errors import ConfigError
from stepwell.base.messages import encode_json
from stepwell.base.request import ChatRequest
from stepwell.guards.rules import Budgets, Rule, build, make_rule
from stepwell.guards.tighten import STAGES, checks_of, strictest, tightened

if TYPE_CHECKING:
    from stepwell.guards.plan import Plan

INPUTS: tuple[Stage, ...] = ("input", "retrieved", "tool_result")
OUTPUTS: tuple[Stage, ...] = ("output", "tool_args", "stream")
MAX_TOGETHER = 256
"""Policies of several routes at once that are kept."""
_ONLY_IN = {"mask": INPUTS, "keep_to": INPUTS, "reask": OUTPUTS, "escalate": OUTPUTS}


@dataclass(frozen=True, slots=True)
class Policy:
    """Effective rules.

    Attributes:
        rules: By stage, the most severe action first.
        keep_to: Tiers that may see such a request; None: all; empty: routes that leave none apply.
        version: Names the rules with their thresholds; "" where nothing is checked.
        fingerprint: Names those for input; b"" where there are none. What passed others may not pass these.
        routes: Names of the routes that apply.
        stream_plan, tool_plan: For streams; `schemaless_plan` in place of the first where no schema is asked for.
        has_own_documents: Retrieved text has rules of its own.
        values, judges: The rules again, those that look for values and those that judge.
        checks_input: Whether any check runs on what comes in; `judges_input`: any judge;
            `may_wait`: any that takes its time.
        reads_context: Some check must know more than the text.
    """

    rules: Mapping[Stage, tuple[Rule, ...]]
    keep_to: frozenset[str] | None
    version: str
    fingerprint: bytes
    routes: tuple[str, ...]
    has_own_documents: bool
    stream_plan: Plan
    tool_plan: Plan
    schemaless_plan: Plan
    values: Mapping[Stage, tuple[Rule, ...]] = field(init=False)
    judges: Mapping[Stage, tuple[Rule, ...]] = field(init=False)
    checks_input: bool = field(init=False)
    judges_input: bool = field(init=False)
    may_wait: bool = field(init=False)
    reads_context: bool = field(init=False)

    def __post_init__(self) -> None:
        every = self.rules.items()
        judges = {s: tuple(r for r in rules if r.is_judge) for s, rules in every}
        for name, made in {
            "values": {s: tuple(r for r in rules if not r.is_judge) for s, rules in every},
            "judges": judges,
            "checks_input": self.has(INPUTS),
            "judges_input": any(judges[s] for s in INPUTS),
            "may_wait": any(r.is_judge or r.is_plugged for s in INPUTS for r in self.rules[s]),
            "reads_context": any(r.reads_context for _, rules in every for r in rules),
        }.items():
            object.__setattr__(self, name, made)

    def has(self, stages: Sequence[Stage]) -> bool:
        """Whether any check runs at one of these stages."""
        return any(self.rules[s] for s in stages)

    def acts(self, action: str, stages: Sequence[Stage] = STAGES) -> bool:
        """Whether some rule takes this action."""
        return any(r.action == action for s in stages for r in self.rules[s])


class Policies:
    """All policies of one configuration; those of several routes at once are made when first met, and forgotten.

    Raises:
        ConfigError: A check is unknown, does not take its options, or a route would loosen.
    """

    def __init__(self, config: GuardsConfig, budgets: Budgets) -> None:
        self._config = config
        names = [r.name for r in config.routes]
        if len(set(names)) < len(names):
            raise ConfigError("guards.routes: two routes share a name")
        self.base = self._make({s: build(checks_of(config, s), budgets) for s in STAGES}, ())
        self._of_route = {r.name: self._alone(r, budgets) for r in config.routes}
        # callers choose their tags, so they choose how many of these there are
        self._of_routes = lru_cache(maxsize=MAX_TOGETHER)(self._together)

    def of(self, request: ChatRequest) -> Policy:
        """The policy that holds for a request."""
        routes = self._config.routes
        if not routes:
            return self.base
        names = tuple(r.name for r in routes if _applies(r, request))
        if len(names) < 2:
            return self._of_route[names[0]] if names else self.base
        return self._of_routes(names)

    def all(self) -> tuple[Policy, ...]:
        """That of every request, then each route's by itself. No other has a rule that none of these has."""
        return (self.base, *self._of_route.values())

    def _alone(self, route: GuardRoute, budgets: Budgets) -> Policy:
        made_of = partial(make_rule, budgets=budgets)
        return self._make({s: tightened(self._config, route, s, made_of) for s in STAGES}, (route,))

    def _together(self, names: tuple[str, ...]) -> Policy:
        """The rules of all these routes at once, so the stricter of any two."""
        policies = [self._of_route[name] for name in names]
        rules = {s: strictest(r for p in policies for r in p.rules[s]) for s in STAGES}
        return self._make(rules, tuple(r for r in self._config.routes if r.name in names))

    def _make(self, rules: Mapping[Stage, tuple[Rule, ...]], routes: tuple[GuardRoute, ...]) -> Policy:
        from stepwell.guards.plan import make_plan

        config = self._config
        for stage in STAGES:
            _check_fits(stage, rules[stage])
        kept = [frozenset(r.keep_to) for r in routes if r.keep_to]
        keep_to = frozenset.intersection(*kept) if kept else None
        named = {s: [r.named for r in rules[s]] for s in STAGES}
        version = blake2b(encode_json([named, None if keep_to is None else sorted(keep_to)]), digest_size=8)
        is_checking = any(rules.values()) or keep_to is not None
        inputs = blake2b(encode_json([named[s] for s in INPUTS]), digest_size=8).digest()

        def plan(stage: Stage, *, has_schema: bool = True) -> Plan:
            return make_plan(
                [r for r in rules[stage] if r.applies_to(has_schema)],
                hold_back_chars=config.hold_back_chars,
                cap=config.stream_cap,
                judges=config.stream_judges,
            )

        return Policy(
            rules,
            keep_to,
            version.hexdigest() if is_checking else "",
            inputs if any(rules[s] for s in INPUTS) else b"",
            tuple(r.name for r in routes),
            config.retrieved is not None or any(r.retrieved is not None for r in routes),
            plan("stream"),
            plan("tool_args"),
            plan("stream", has_schema=False),
        )


def _check_fits(stage: Stage, rules: Sequence[Rule]) -> None:
    """Raises:
    ConfigError: An action makes no sense at the stage.
    """
    for rule in rules:
        only = _ONLY_IN.get(rule.action)
        if only is not None and stage not in only:
            raise ConfigError(
                f"guards.{stage}: {rule.check.name}: the action {rule.action} is for {', '.join(only)}"
            )


def _applies(route: GuardRoute, request: ChatRequest) -> bool:
    wishes = request.wishes
    if route.tenants and request.caller.tenant not in route.tenants:
        return False
    if route.tags and wishes.tags.isdisjoint(route.tags):
        return False
    return all(wishes.has_header(name, value) for name, value in route.header.items())
