"""What a URL says beyond its path: names in it, and the query string."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import unquote_to_bytes

from stepwell.base.errors import BadRequest
from stepwell.front.server.http import Scope


def path_parts(scope: Scope) -> list[str]:
    """The path's parts, each decoded for itself: a name may hold a slash, written as %2F.

    Raises:
        BadRequest: One is not UTF-8.
    """
    raw = scope.get("raw_path") or scope["path"].encode()
    return [decoded(part, "the path") for part in raw.split(b"/")[1:]]


def query_of(scope: Scope, known: Collection[str]) -> dict[str, str]:
    """The query string's values by name.

    Raises:
        BadRequest: It has a name that is not known or stands twice, or what is not UTF-8.
    """
    found: dict[str, str] = {}
    for pair in scope.get("query_string", b"").split(b"&"):
        if not pair:
            continue
        name, _, value = pair.replace(b"+", b" ").partition(b"=")
        key = decoded(name, "the query")
        if key not in known:
            raise BadRequest(f"This path knows {', '.join(known) or 'no parameters'}.", param="query")
        if key in found:
            raise BadRequest(f"{key} is given twice", param=key)
        found[key] = decoded(value, key)
    return found


def count_of(query: dict[str, str], name: str, default: int, *, least: int, most: int) -> int:
    """A whole number of the query.

    Raises:
        BadRequest: It is none, or out of its range.
    """
    text = query.get(name)
    if text is None:
        return default
    # int() takes other scripts' digits and underscores, too
    if not (text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 20):
        raise BadRequest(f"{name} must be a whole number", param=name)
    if not least <= int(text) <= most:
        raise BadRequest(f"{name} must be {least} to {most}", param=name)
    return int(text)


def decoded(raw: bytes, where: str) -> str:
    """Percent-encoded UTF-8 as text.

    Raises:
        BadRequest: It is not UTF-8; names where.
    """
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise BadRequest(f"{where} must be percent-encoded UTF-8", param=where) from None
