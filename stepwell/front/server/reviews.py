"""/v1/reviews: what a tenant's policy handed to people, and what they decide."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from stepwell.base.errors import BadRequest
from stepwell.base.request import bad_field
from stepwell.front.server.http import NotFound, Scope, Send, send_json
from stepwell.front.server.query import count_of, path_parts, query_of
from stepwell.guards.review.queue import ReviewQueue
from stepwell.guards.review.review import STATUSES, Review
from stepwell.pipeline import Pipeline

PATH = "/v1/reviews"
N_LISTED, MOST_LISTED = 100, 1000
MOST_NAME_CHARS, MOST_NOTE_CHARS = 200, 4000


class MayNotReview(BadRequest):
    """The key may ask, and not decide what passes."""

    status_code = 403
    code = "may_not_review"


class Decision(msgspec.Struct, forbid_unknown_fields=True):
    """Who decides and why; `overrule`: even where it was decided otherwise, or nobody looked at it in time."""

    by: Annotated[str, Meta(max_length=MOST_NAME_CHARS)] = ""
    note: Annotated[str, Meta(max_length=MOST_NOTE_CHARS)] = ""
    overrule: bool = False


class ReviewPlace(msgspec.Struct, frozen=True):
    """What a path names: all reviews, one, or a decision on it; and what it takes."""

    methods: tuple[str, ...]
    id: str = ""
    said: Literal["", "approve", "reject"] = ""


def review_place_of(scope: Scope) -> ReviewPlace | None:
    """What the path names; None where it is no path of reviews.

    Raises:
        BadRequest: A name in it is not UTF-8.
    """
    if not scope["path"].startswith(PATH):
        return None
    match path_parts(scope):
        case ["v1", "reviews"]:
            return ReviewPlace(("GET",))
        case ["v1", "reviews", str(id)] if id:
            return ReviewPlace(("GET",), id)
        case ["v1", "reviews", str(id), ("approve" | "reject") as said] if id:
            return ReviewPlace(("POST",), id, said)
    return None


async def reviews(
    pipeline: Pipeline, place: ReviewPlace, scope: Scope, body: bytes, tenant: str, send: Send
) -> None:
    """Answer what a place was asked.

    Raises:
        BadRequest: Names the field at fault; UnknownReview; ReviewDecided; NotFound: no rule asks people;
            StoreUnavailable.
    """
    queue = pipeline.reviews
    if queue is None:
        raise NotFound("Nothing waits for people here: no rule has the action review.", code="reviews_off")
    if not place.id:
        return await _list(queue, scope, tenant, send)
    query_of(scope, ())
    if not place.said:
        return await send_json(send, _shown(await queue.get(place.id, tenant=tenant)))
    said = _parse(body)
    decide = queue.approve if place.said == "approve" else queue.reject
    one = await decide(place.id, by=said.by, note=said.note, tenant=tenant, overrule=said.overrule)
    return await send_json(send, _shown(one))


async def _list(queue: ReviewQueue, scope: Scope, tenant: str, send: Send) -> None:
    query = query_of(scope, ("status", "limit", "after"))
    limit = count_of(query, "limit", N_LISTED, least=1, most=MOST_LISTED)
    status = query.get("status")
    if status not in (None, *STATUSES):
        raise BadRequest(f"status must be one of {', '.join(STATUSES)}", param="status")
    found = await queue.list(tenant=tenant, status=status, limit=limit + 1, after=query.get("after", ""))
    data = [_listed(one) for one in found[:limit]]
    await send_json(send, {"object": "list", "data": data, "has_more": len(found) > limit})


def _listed(one: Review) -> dict[str, object]:
    return {
        "id": one.id,
        "object": "review",
        "stage": one.stage,
        "check": one.check,
        "kinds": one.kinds,
        "score": one.score,
        "policy": one.policy,
        "status": one.status,
        "n_sent": one.n_sent,
        "created_at": int(one.held_s),
        "decided_at": None if one.decided_s is None else int(one.decided_s),
        "by": one.by,
        "note": one.note,
    }


def _shown(one: Review) -> dict[str, object]:
    return {**_listed(one), "text": one.text}


def _parse(body: bytes) -> Decision:
    """What is decided needs no more words: an empty body is one."""
    try:
        return msgspec.json.decode(body or b"{}", type=Decision)
    except msgspec.ValidationError as e:
        raise bad_field(e) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("The body is not valid JSON.", code="invalid_json") from None
