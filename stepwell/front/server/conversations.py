"""/v1/conversations: what is kept of a tenant's conversations, imports, pins, and the right to erase them."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Raw

from stepwell.base.errors import BadRequest, UnknownConversation
from stepwell.base.request import bad_field
from stepwell.conversation import MOST_PIN_CHARS, NO_TURNS, Conversation
from stepwell.front.server.http import NotFound, Scope, Send, send_json
from stepwell.front.server.query import count_of, path_parts, query_of
from stepwell.memory.context.log.log import Listed, Past, Pin, Turn
from stepwell.well import Stepwell

PATH = "/v1/conversations"
N_LISTED, MOST_LISTED = 100, 1000
N_ITEMS, MOST_ITEMS = 1000, 10_000
_MAX_SEQ = 2**53
T = TypeVar("T")


class PinRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A fact that goes with every request of the conversation from now on."""

    text: Annotated[str, Meta(min_length=1, max_length=MOST_PIN_CHARS)]


class ImportRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What was said elsewhere, and when (Unix time; none: now)."""

    messages: list[Raw]
    at_s: float | None = None


class Place(msgspec.Struct, frozen=True):
    """What a path names: all conversations, one, its messages, its pins, or one pin; and what it takes."""

    methods: tuple[str, ...]
    id: str = ""
    part: str = ""
    pin_id: str = ""
    query: tuple[str, ...] = ("user",)


def place_of(scope: Scope) -> Place | None:
    """What the path names; None where it is no path of conversations.

    Raises:
        BadRequest: A name in it is not UTF-8.
    """
    if not scope["path"].startswith(PATH):
        return None
    match path_parts(scope):
        case ["v1", "conversations"]:
            own: tuple[str, ...] = ("user", "limit") if scope["method"] == "GET" else ("user", "all")
            return Place(("GET", "DELETE"), query=own)
        case ["v1", "conversations", str(id)] if id:
            own = ("user", "after", "limit") if scope["method"] == "GET" else ("user",)
            return Place(("GET", "DELETE"), id, query=own)
        case ["v1", "conversations", str(id), "messages"] if id:
            return Place(("POST",), id, "messages")
        case ["v1", "conversations", str(id), "pins"] if id:
            return Place(("GET", "POST"), id, "pins")
        case ["v1", "conversations", str(id), "pins", str(pin_id)] if id and pin_id:
            return Place(("DELETE",), id, "pins", pin_id)
    return None


async def conversations(
    well: Stepwell, place: Place, scope: Scope, body: bytes, tenant: str, send: Send
) -> None:
    """Answer what a place was asked.

    Raises:
        BadRequest: Names the field at fault; ForeignConversation; UnknownConversation; NotFound; StoreUnavailable.
    """
    query = query_of(scope, place.query)
    is_read = scope["method"] == "GET"
    if not place.id:
        return await (_list if is_read else _erase_all)(well, query, tenant, send)
    one = well.conversation(place.id, tenant=tenant, user=query.get("user"))
    match place.part:
        case "messages":
            return await _import(one, body, send)
        case "pins" if place.pin_id:
            return await _unpin(one, place.pin_id, send)
        case "pins":
            return await (_pins(one, send) if is_read else _pin(one, body, send))
    return await (_show(one, query, send) if is_read else _erase(one, send))


async def _list(well: Stepwell, query: dict[str, str], tenant: str, send: Send) -> None:
    limit = count_of(query, "limit", N_LISTED, least=1, most=MOST_LISTED)
    found = await well.aconversations(tenant=tenant, user=query.get("user"), limit=limit + 1)
    data = [_listed(one) for one in found[:limit]]
    await send_json(send, {"object": "list", "data": data, "has_more": len(found) > limit})


def _listed(one: Listed) -> dict[str, object]:
    return {
        "id": one.name.id,
        "object": "conversation",
        "user": one.name.user,
        "n_messages": one.n_turns,
        "created_at": int(one.began_s),
        "last_at": int(one.last_s),
    }


async def _show(one: Conversation, query: dict[str, str], send: Send) -> None:
    limit = count_of(query, "limit", N_ITEMS, least=1, most=MOST_ITEMS)
    after = count_of(query, "after", -1, least=-1, most=_MAX_SEQ)
    past = _known(await one.apast(after=after))
    turns = past.turns[:limit]
    made = {
        "id": one.id,
        "object": "conversation",
        "user": one.user or "",
        "n_messages": past.n_turns,
        "items": [_item(turn) for turn in turns],
        "has_more": after + 1 + limit < past.n_turns,
        "pins": [{"id": pin.id, "text": pin.text} for pin in past.pins],
        "summary": None
        if past.summary is None
        else {"text": past.summary.text, "upto": past.summary.upto, "by": past.summary.by},
    }
    await send_json(send, made)


def _known(past: Past) -> Past:
    if not past.epoch:
        raise UnknownConversation("You have no such conversation (any more).", param="id")
    return past


def _item(turn: Turn) -> dict[str, object]:
    return {"seq": turn.seq, "created_at": int(turn.at_s), "message": Raw(turn.raw)}


async def _erase(one: Conversation, send: Send) -> None:
    if not await one.aerase():
        raise UnknownConversation("You have no such conversation (any more).", param="id")
    await send_json(send, {"object": "conversation.deleted", "id": one.id, "deleted": True})


async def _erase_all(well: Stepwell, query: dict[str, str], tenant: str, send: Send) -> None:
    """Those of one user, or all of the tenant's: which, must be said."""
    user, everything = query.get("user"), query.get("all")
    if (user is not None) == (everything is not None) or everything not in (None, "true") or user == "":
        raise BadRequest("Give either user (a name) or all=true.", param="user")
    n = await well.aerase_conversations(tenant=tenant, user=user)
    await send_json(send, {"object": "conversations.deleted", "n_conversations": n})


async def _import(one: Conversation, body: bytes, send: Send) -> None:
    asked = _parse(body, ImportRequest)
    n = await one.aappend(asked.messages, at_s=asked.at_s)
    await send_json(send, {"object": "conversation.messages", "id": one.id, "n_turns": n}, 201)


async def _pins(one: Conversation, send: Send) -> None:
    past = _known(await one.apast(after=NO_TURNS))
    data = [_pinned(pin) for pin in past.pins]
    await send_json(send, {"object": "list", "data": data, "has_more": False})


async def _pin(one: Conversation, body: bytes, send: Send) -> None:
    await send_json(send, _pinned(await one.apin(_parse(body, PinRequest).text)))


def _pinned(pin: Pin) -> dict[str, object]:
    return {"object": "conversation.pin", "id": pin.id, "text": pin.text}


async def _unpin(one: Conversation, pin_id: str, send: Send) -> None:
    if not await one.aunpin(pin_id):
        raise NotFound("The conversation has no such pin (any more).", param="pin_id", code="pin_not_found")
    await send_json(send, {"object": "conversation.pin.deleted", "id": pin_id, "deleted": True})


def _parse(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as e:
        raise bad_field(e) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("The body is not valid JSON.", code="invalid_json") from None
