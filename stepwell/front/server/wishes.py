"""The `x-stepwell-*` request headers, and what the reply's headers say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from stepwell.asks import make_wishes
from stepwell.base.decisions import CacheDecision, FitDecision, Trace
from stepwell.base.errors import BadRequest
from stepwell.base.reply import adapter_of
from stepwell.base.request import NO_WISHES, CacheWish, Wishes
from stepwell.front.server.http import Headers
from stepwell.front.server.query import decoded

PREFIX = b"x-stepwell-"
KNOWN = (
    "tier",
    "min-tier",
    "max-usd",
    "tags",
    "below-floor",
    "cache",
    "timeout-s",
    "session",
    "conversation",
    "keep-to",
)
LISTS = ("tags", "keep-to")
CACHE: dict[str, CacheWish] = {
    "on": True,
    "off": False,
    "exact": "exact",
    "no-store": "no-store",
    "no-sampled": "no-sampled",
}
_NO_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


def read_wishes(headers: Headers, *, with_headers: bool) -> Wishes:
    """What the caller asks of the router.

    Args:
        with_headers: Keep all headers, because a rule looks at them.

    Raises:
        BadRequest: Names the header at fault.
    """
    lines = [(k[11:].decode("latin-1"), _plain(v)) for k, v in headers if k.startswith(PREFIX)]
    if not lines and not with_headers:
        return NO_WISHES
    found = _once(lines)
    cache = CACHE.get(found.get("cache", "on"))
    if cache is None:
        raise BadRequest(f"x-stepwell-cache is one of {', '.join(CACHE)}", param="x-stepwell-cache")
    below: str | None = found.get("below-floor")
    return make_wishes(
        tier=found.get("tier"),
        min_tier=found.get("min-tier"),
        max_usd=_number(found, "max-usd"),
        tags=[tag for name, value in lines if name == "tags" for tag in _listed(value)],
        below_floor=below,  # type: ignore[arg-type]  # checked in make_wishes
        cache=cache,
        timeout_s=_number(found, "timeout-s"),
        headers=_by_name(headers) if with_headers else None,
        session=found.get("session"),
        conversation=_conversation(found),
        keep_to=_kept_to([value for name, value in lines if name == "keep-to"]),
    )


def _plain(value: bytes) -> str:
    return value.decode("latin-1").strip(" \t")


def _once(lines: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Each header's value; of lists the last line's alone.

    Raises:
        BadRequest: One is unknown, or set twice and differently: a gateway's may stand beside the caller's.
    """
    found: dict[str, str] = {}
    for name, value in lines:
        if name not in KNOWN:
            raise BadRequest(f"x-stepwell-* knows {', '.join(KNOWN)}", param="x-stepwell-*")
        if name not in LISTS and found.get(name, value) != value:
            raise BadRequest(
                f"x-stepwell-{name} is given twice, with different values", param=f"x-stepwell-{name}"
            )
        found[name] = value
    return found


def _by_name(headers: Headers) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in headers:
        key = name.decode("latin-1")
        found[key] = (*found.get(key, ()), _plain(value))
    return found


def _kept_to(lines: Sequence[str]) -> set[str] | None:
    """Tiers that every line allows.

    Raises:
        BadRequest: There are none.
    """
    if not lines:
        return None
    both = set.intersection(*(set(_listed(value)) for value in lines))
    if not both:
        raise BadRequest("x-stepwell-keep-to leaves no tier", param="x-stepwell-keep-to")
    return both


def _listed(value: str) -> list[str]:
    return [word.strip() for word in value.split(",") if word.strip()]


def _number(found: dict[str, str], name: str) -> float | None:
    if name not in found:
        return None
    try:
        return float(found[name])
    except ValueError:
        raise BadRequest(f"x-stepwell-{name} must be a number", param=f"x-stepwell-{name}") from None


def _conversation(found: dict[str, str]) -> str | None:
    """A conversation's name stands in paths, too: percent-encoded UTF-8 in both."""
    raw = found.get("conversation")
    if raw is None:
        return None
    if _NO_ESCAPE.search(raw):
        raise BadRequest(
            "x-stepwell-conversation must be percent-encoded: a % itself is %25",
            param="x-stepwell-conversation",
        )
    return decoded(raw.encode("latin-1"), "x-stepwell-conversation")


def reply_headers(trace: Trace, *, tier: str, model: str, cost_usd: float | None, why: str) -> Headers:
    """Who answered, at what cost, and why. A stream's cost is the expected one: it isn't over yet."""
    cache = trace.cache.status if trace.cache is not None else "off"
    out = [
        (b"x-request-id", trace.request_id.encode()),
        (b"x-stepwell-tier", tier.encode()),
        (b"x-stepwell-model", _ascii(model)),
        (b"x-stepwell-cache", cache.encode()),
        (b"x-stepwell-why", _ascii(why)),
    ]
    if (adapter := adapter_of(model)) is not None:
        out.append((b"x-stepwell-adapter", adapter.encode()))
    if cost_usd is not None:
        out.append((b"x-stepwell-cost-usd", b"%.9f" % cost_usd))
    else:
        out.append((b"x-stepwell-cost-usd", b"%.9f" % _expected(trace, tier)))
        out.append((b"x-stepwell-cost-kind", b"expected"))
    if trace.cache is not None and trace.cache.is_hit:
        out += _of_hit(trace.cache)
    if trace.guard_input is not None:
        out.append((b"x-stepwell-guard-input", trace.guard_input.why.encode()))
    if trace.guard_output is not None:
        out.append((b"x-stepwell-guard-output", trace.guard_output.why.encode()))
    if trace.context is not None:
        out += _of_context(trace.context)
    if trace.is_logged is not None:
        out.append((b"x-stepwell-context-logged", b"true" if trace.is_logged else b"false"))
    if trace.is_degraded:
        out.append((b"x-stepwell-degraded", b"below-floor"))
    route = trace.route
    if route is not None:
        estimate = route.estimate(tier)
        if estimate is not None and estimate.p_ok is not None:
            out.append((b"x-stepwell-p-ok", b"%.3f" % estimate.p_ok))
        if route.need is not None:
            out.append((b"x-stepwell-need", b"%.3f" % route.need))
        if route.budget:
            out.append((b"x-stepwell-budget", _ascii(route.budget)))
    if trace.escalations:
        out.append((b"x-stepwell-escalations", b"%d" % len(trace.escalations)))
    return out


def _of_context(context: FitDecision) -> Headers:
    """What of a long conversation was sent."""
    out: Headers = []
    if context.n_dropped:
        n = len(context.kept)
        text = f"kept {n} of {n + context.n_dropped}; recall {context.expected_recall:.2f}; {context.n_tokens} tokens"
        out.append((b"x-stepwell-context", text.encode()))
    return out


def _of_hit(cache: CacheDecision) -> Headers:
    """Which hit it is, how sure, and how old: Age by RFC 9111, section 5.1."""
    out: Headers = []
    if cache.hit_id is not None:
        out.append((b"x-stepwell-cache-hit-id", cache.hit_id.encode()))
    if cache.p_same is not None:
        out.append((b"x-stepwell-cache-p-same", b"%.3f" % cache.p_same))
    if cache.age_s is not None:
        out.append((b"age", b"%d" % max(0, int(cache.age_s))))
    return out


def _expected(trace: Trace, tier: str) -> float:
    estimate = trace.route.estimate(tier) if trace.route is not None else None
    return (estimate.cost_usd or 0.0) if estimate is not None else 0.0


@lru_cache(maxsize=1024)  # reasons repeat
def _ascii(text: str) -> bytes:
    """Fit for a header: visible ASCII, one line, at most 500 bytes."""
    raw = text.encode("ascii", "replace")[:500]
    return (
        raw
        if raw.isascii() and b"\n" not in raw and b"\r" not in raw
        else bytes(c for c in raw if 32 <= c < 127)
    )
