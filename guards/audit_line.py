"""One line of the audit: what a guard decided about one request, and who saw it. Holds no text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import msgspec

from stepwell.base.decisions import Attempt, Escalation, Noted, Trace, Verdict

KEPT_FROM = "kept_from"
"""Outcome of an attempt at a tier that was not asked, because the request is bound to others."""

_MAX_INDEX_DIGITS = 6
_KIND = re.compile(r"[A-Z0-9_]{1,64}")
# names of the wire; any other name in a path may be a caller's own word
_WIRE = """
    messages tools functions response_format prediction metadata documents choices message delta role
    content text name refusal reasoning reasoning_content reasoning_details thinking summary tool_calls
    function function_call arguments custom input parameters properties items required enum description
    default json_schema schema title logprobs annotations image_url audio file filename transcript
"""
_WIRE_NAMES = frozenset(_WIRE.split())


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tier that was asked, or (outcome "kept_from") was not, because the request is bound to others."""

    tier: str
    deployment: str
    outcome: str
    ms: float


class Audited(msgspec.Struct, omit_defaults=True):
    """One request.

    Attributes:
        tenant, messages: Keyed hashes (HMAC-SHA256, hexadecimal): of the tenant's name, and of the messages as they
            left the guards (their JSON).
        input, output: What was decided, where and how sure; each finding's places are characters of the text.
        keep_to: The only tiers that may see it; None: any. A name that is no tier's is hashed.
        asked: Every try, in order.
        tier: Who wrote the answer, a cached one too; None where there was none.
        cache: "hit", "semantic_hit", …; `cache_id` names a hit.
    """

    ts_s: float
    request_id: str
    status: int
    tenant: str = ""
    messages: str = ""
    input: Verdict | None = None
    output: Verdict | None = None
    keep_to: tuple[str, ...] | None = None
    asked: tuple[Asked, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    tier: str | None = None
    cache: str = ""
    cache_id: str | None = None

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        return tuple(v for v in (self.input, self.output) if v is not None)

    @property
    def astray(self) -> tuple[str, ...]:
        """Tiers that saw it, or wrote its answer, though it is bound to others."""
        if self.keep_to is None:
            return ()
        saw = {a.tier for a in self.asked if a.outcome != KEPT_FROM}
        if self.tier is not None:
            saw.add(self.tier)
        return tuple(sorted(saw.difference(self.keep_to)))


def line_of(
    trace: Trace,
    keep_to: frozenset[str] | None,
    *,
    ts_s: float,
    status: int,
    tier: str | None,
    named: Callable[[str], str],
) -> Audited:
    """The line but for its hashes.

    Args:
        keep_to: As the request was bound at its end.
        named: A tier's name, or what stands for it where it may be a caller's own word.
    """
    if keep_to is None and trace.guard_input is not None and trace.guard_input.keep_to is not None:
        keep_to = frozenset(trace.guard_input.keep_to)
    hit = trace.cache if trace.cache is not None and trace.cache.is_hit else None
    return Audited(
        ts_s,
        trace.request_id,
        status,
        input=_plain(trace.guard_input, named),
        output=_plain(trace.guard_output, named),
        keep_to=_bound(keep_to, named),
        asked=tuple(_asked(a) for a in trace.attempts),
        escalations=tuple(trace.escalations),
        tier=tier,
        cache="" if trace.cache is None else trace.cache.status,
        cache_id=None if hit is None else hit.hit_id,
    )


def _asked(attempt: Attempt) -> Asked:
    return Asked(attempt.tier, attempt.deployment, attempt.outcome, round(attempt.ms, 3))


def _bound(tiers: Iterable[str] | None, named: Callable[[str], str]) -> tuple[str, ...] | None:
    return None if tiers is None else tuple(sorted(map(named, tiers)))


def _plain(verdict: Verdict | None, named: Callable[[str], str]) -> Verdict | None:
    """Without a word that a caller, or a foreign check, may have chosen."""
    if verdict is None:
        return None
    return msgspec.structs.replace(
        verdict,
        kinds=tuple(sorted({_kind(k) for k in verdict.kinds})),
        findings=tuple(_noted(f) for f in verdict.findings),
        keep_to=_bound(verdict.keep_to, named),
        ms=round(verdict.ms, 3),
    )


def _noted(found: Noted) -> Noted:
    return msgspec.structs.replace(found, kind=_kind(found.kind), where=_where(found.where))


def _kind(kind: str) -> str:
    return kind if _KIND.fullmatch(kind) else "OTHER"


def _where(path: str) -> str:
    """The path, with * for names that are not the wire's: a tool's arguments are named by its author."""
    return ".".join(part if _is_plain(part) else "*" for part in path.split("."))


def _is_plain(part: str) -> bool:
    is_index = part.isascii() and part.isdecimal() and len(part) <= _MAX_INDEX_DIGITS
    return is_index or part in _WIRE_NAMES
