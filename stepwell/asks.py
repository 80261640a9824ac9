"""What callers ask in Python's words, made into requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from stepwell.base.errors import BadRequest
from stepwell.base.request import NO_WISHES, CacheWish, Caller, ChatRequest, Wishes

Messages = str | Sequence[Mapping[str, Any]]
_WISHES = frozenset(
    {
        "tier",
        "min_tier",
        "max_usd",
        "tags",
        "below_floor",
        "cache",
        "timeout_s",
        "session",
        "conversation",
        "keep_to",
    }
)
_MAX_NAME_CHARS = 256
_CACHE_WISHES = (True, False, "exact", "no-store", "no-sampled")


def make_request(messages: Messages, asks: Mapping[str, Any], *, is_stream: bool = False) -> ChatRequest:
    """The request that keyword arguments describe.

    Raises:
        BadRequest: Names the field at fault.
    """
    fields = dict(asks)
    caller = Caller(fields.pop("tenant", None), fields.get("user"))
    check_text("tenant", caller.tenant)
    wishes = NO_WISHES if _WISHES.isdisjoint(fields) else _take_wishes(fields)
    fields["messages"] = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    if is_stream:
        fields["stream"] = True
    return ChatRequest.build(fields, caller, wishes)


def _take_wishes(fields: dict[str, Any]) -> Wishes:
    return make_wishes(
        tier=fields.pop("tier", None),
        min_tier=fields.pop("min_tier", None),
        max_usd=fields.pop("max_usd", None),
        tags=fields.pop("tags", ()),
        below_floor=fields.pop("below_floor", None),
        cache=fields.pop("cache", True),
        timeout_s=fields.pop("timeout_s", None),
        session=fields.pop("session", None),
        conversation=fields.pop("conversation", None),
        keep_to=fields.pop("keep_to", None),
    )


def check_name(field: str, name: object) -> None:
    """What names a session or a conversation.

    Raises:
        BadRequest: It is no text of 1 to 256 characters.
    """
    if not (isinstance(name, str) and 0 < len(name) <= _MAX_NAME_CHARS):
        raise BadRequest(f"{field} must be a text of 1 to {_MAX_NAME_CHARS} characters", param=field)
    check_text(field, name)


def check_text(field: str, value: str | None) -> None:
    """Names go into fingerprints and files, as UTF-8.

    Raises:
        BadRequest: It can't be written so.
    """
    try:
        if value is not None:
            value.encode()
    except (UnicodeEncodeError, AttributeError):
        raise BadRequest(f"{field} must be Unicode text", param=field) from None


def check_words(field: str, value: object) -> None:
    """What is searched for, or names a thing: "" may be.

    Raises:
        BadRequest: It is no text.
    """
    if not isinstance(value, str):
        raise BadRequest(f"{field} must be a text", param=field)
    check_text(field, value)


def check_count(field: str, value: object) -> None:
    """Raises:
    BadRequest: It is no whole number of 1 or more.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BadRequest(f"{field} must be a whole number of 1 or more", param=field)


def make_wishes(
    *,
    tier: str | None,
    min_tier: str | None,
    max_usd: float | None,
    tags: Iterable[str],
    below_floor: Literal["refuse", "flag"] | None,
    cache: CacheWish,
    timeout_s: float | None,
    headers: Mapping[str, tuple[str, ...]] | None = None,
    session: str | None = None,
    conversation: str | None = None,
    keep_to: Iterable[str] | None = None,
) -> Wishes:
    """Check ranges.

    Raises:
        BadRequest: Names the field at fault.
    """
    for name, value in (("max_usd", max_usd), ("timeout_s", timeout_s)):
        if value is not None and not (isinstance(value, int | float) and 0 < value < float("inf")):
            raise BadRequest(f"{name} must be a positive number", param=name)
    if isinstance(tags, str):
        raise BadRequest("tags must be a list of words", param="tags")
    if below_floor not in (None, "refuse", "flag"):
        raise BadRequest("below_floor must be 'refuse' or 'flag'", param="below_floor")
    if cache not in _CACHE_WISHES:
        raise BadRequest("cache must be True, False, 'exact', 'no-store' or 'no-sampled'", param="cache")
    for name, text in (("session", session), ("conversation", conversation)):
        if text is not None:
            check_name(name, text)
    return Wishes(
        tier,
        min_tier,
        max_usd,
        frozenset(tags),
        below_floor,
        cache,
        timeout_s,
        headers or {},
        session,
        conversation,
        _tiers("keep_to", keep_to),
    )


def _tiers(field: str, names: Iterable[str] | None) -> frozenset[str] | None:
    """Raises:
    BadRequest: Not a list of names, or an empty one.
    """
    if names is None:
        return None
    if isinstance(names, str) or not (made := frozenset(names)) or not all(isinstance(n, str) for n in made):
        raise BadRequest(f"{field} must be a list of tiers", param=field)
    return made
