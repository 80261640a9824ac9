"""What `stepwell check` says of guards: the effective policy, and what the budget of false blocks rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from stepwell.base.config.guards import GuardRoute
from stepwell.check_line import CheckLine
from stepwell.guards.describe import RuleView

if TYPE_CHECKING:
    from stepwell.pipeline import Pipeline


def guard_lines(pipeline: Pipeline) -> Iterator[CheckLine]:
    """The policy a stage a line, what is kept where, and the promise."""
    config, views = pipeline.config.guards, pipeline.guard.describe()
    conditions = {r.name: _conditions(r) for r in config.routes}
    for (route, stage), rules in groupby(views, key=lambda v: (v.route, v.stage)):
        subject = f"guards {stage}" if not route else f"guards {stage}, route {route} ({conditions[route]})"
        yield CheckLine(subject, "ok", "; ".join(map(_said, rules)))
    if not views:
        yield CheckLine("guards", "warn", "nothing is checked")
    for r in config.routes:
        if r.keep_to:
            detail = f"bound to {', '.join(r.keep_to)}"
            yield CheckLine(f"guards route {r.name} ({conditions[r.name]})", "ok", detail)
    actions = {v.action for v in views}
    if "mask" in actions and config.masks.path is None:
        said = "in memory: conversations' placeholders end with the process"
        if pipeline.config.context.path is not None or pipeline.config.context.redis_url_env is not None:
            yield CheckLine("guards masks", "warn", f"{said}, their log does not: set guards.masks.path")
        else:
            yield CheckLine("guards masks", "ok", said)
    elif "mask" in actions and pipeline.config.context.redis_url_env is not None:
        said = "other machines share the log, and not the file of placeholders: send each conversation to one"
        yield CheckLine("guards masks", "warn", said)
    if "review" in actions and config.review.path is None:
        yield CheckLine("guards review", "warn", "the queue is in memory: set guards.review.path to keep it")
    bound = "keep_to" in actions or any(r.keep_to for r in config.routes)
    if bound and config.audit.path is None:
        yield CheckLine(
            "guards audit", "warn", "requests are bound to tiers; guards.audit.path would prove it"
        )
    yield _false_blocks(views, pipeline.config.promises.max_false_blocks)


def _conditions(route: GuardRoute) -> str:
    """When it holds."""
    parts = {
        "tenants": route.tenants,
        "tags": route.tags,
        "header": [f"{k}: {v}" for k, v in route.header.items()],
    }
    return "; ".join(f"{name} {', '.join(values)}" for name, values in parts.items() if values)


def _said(view: RuleView) -> str:
    given = ", ".join(f"{name}: {value}" for name, value in view.options)
    said = f"{view.check}{{{given}}} {view.action}" if given else f"{view.check} {view.action}"
    if view.tiers:
        said += f" {', '.join(view.tiers)}"
    if view.rests_on:
        said += f" from {view.threshold:.3f} ({view.rests_on})"
    return said if view.on_error == "closed" else f"{said}, open on errors"


def _false_blocks(views: Sequence[RuleView], budget: float) -> CheckLine:
    subject = "promise max_false_blocks"
    learned = {v.check: v.rests_on for v in views if v.rests_on}
    if not learned:
        return CheckLine(subject, "ok", f"{budget:g}: only rules run; nothing learned blocks")
    shipped = sorted(name for name, rests_on in learned.items() if rests_on == "shipped")
    by_hand = sorted(name for name, rests_on in learned.items() if rests_on == "set")
    doubts = []
    if shipped:
        doubts.append(
            f"{', '.join(shipped)}: thresholds as shipped, never seen your traffic; run `stepwell guard tune`"
        )
    if by_hand:
        doubts.append(f"{', '.join(by_hand)}: thresholds set by hand promise nothing")
    said = "; ".join(doubts) or f"tuned on your honest traffic: {', '.join(sorted(learned))}"
    return CheckLine(subject, "warn" if doubts else "ok", f"{budget:g}: {said}")
