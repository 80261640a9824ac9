"""A small share of requests goes another way, so that labels keep coming from every tier. Off by default."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from stepwell.router.choose import Look


def explores(request_key: str | bytes, share: float, allowed: Sequence[str]) -> str | None:
    """The tier to try instead, or None for the usual way. The same key always goes the same way.

    Args:
        request_key: Names the request: its last ask, or its id. Only its hash is used.
        share: 0..1 of requests.
        allowed: Tiers that may be tried (`may_explore`).
    """
    if share <= 0 or not allowed:
        return None
    raw = request_key.encode("utf-8", "surrogatepass") if isinstance(request_key, str) else request_key
    drawn = blake2b(raw, digest_size=16, person=b"stepwell-explore").digest()
    if int.from_bytes(drawn[:8]) >= share * 2**64:
        return None
    return allowed[int.from_bytes(drawn[8:]) % len(allowed)]


def odds_of(share: float, chosen: str, allowed: Sequence[str]) -> dict[str, float] | None:
    """By tier the probability that `explores` sends a request there, over all requests; None where it sends none."""
    if share <= 0 or not allowed:
        return None
    return {chosen: 1 - share} | dict.fromkeys(allowed, share / len(allowed))


def may_explore(
    looks: Sequence[Look], chosen: str, *, min_p_ok: float, least: int = 0, is_tool_loop: bool = False
) -> tuple[str, ...]:
    """Tiers other than the chosen one that can be asked now and keep the floor; none inside a tool loop.

    Args:
        looks: Every tier, cheapest first.
        least: Place of the cheapest tier that rules, promise and session allow.
    """
    if is_tool_loop:
        return ()
    return tuple(
        look.tier.name
        for look in looks[least:]
        if look.tier.name != chosen
        and look.bar is None
        and look.obstacle is None
        and not look.is_resting
        and look.p_ok >= min_p_ok
    )
