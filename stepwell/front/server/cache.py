"""POST /v1/cache/report and DELETE /v1/cache: a tenant's own say over what is kept of theirs."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from stepwell.base.errors import BadRequest
from stepwell.base.request import bad_field
from stepwell.front.server.http import NotFound, Send, send_json
from stepwell.well import Stepwell

T = TypeVar("T")
Name = Annotated[str, Meta(min_length=1, max_length=200)]


class ReportRequest(msgspec.Struct):
    """A hit that was wrong.

    Attributes:
        hit_id: The header x-stepwell-cache-hit-id; only an answer that the cache served has it.
    """

    hit_id: Name


class EraseRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What to delete: one of them.

    Attributes:
        hit_id: One answer.
        user: All that this user's requests left.
        all: All that the tenant's requests left.
    """

    hit_id: Name | None = None
    user: Name | None = None
    all: bool | None = None


async def report(well: Stepwell, body: bytes, tenant: str, send: Send) -> None:
    """Remove a wrong answer, and let the cache learn from it.

    Raises:
        BadRequest: Names the field at fault; NotFound: this tenant has no such hit; StoreUnavailable.
    """
    hit_id = _parse(body, ReportRequest).hit_id
    if not await well.areport_bad(hit_id, tenant=tenant):
        raise NotFound("You have no such hit (any more).", param="hit_id", code="hit_not_found")
    await send_json(send, {"object": "cache.report", "hit_id": hit_id, "removed": True})


async def erase(well: Stepwell, body: bytes, tenant: str, send: Send) -> None:
    """Delete one answer, or all that a user or the tenant left.

    Raises:
        BadRequest: Names the field at fault; StoreUnavailable: nothing was deleted.
    """
    asked = _parse(body, EraseRequest)
    if (asked.hit_id is not None) + (asked.user is not None) + (asked.all is True) != 1:
        raise BadRequest("Give one of hit_id, user and all (true).", param="hit_id")
    n = await well.aerase_cache(tenant=tenant, user=asked.user, hit_id=asked.hit_id)
    await send_json(send, {"object": "cache.erased", "n_entries": n})


def _parse(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as e:
        raise bad_field(e) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("The body is not valid JSON.", code="invalid_json") from None
