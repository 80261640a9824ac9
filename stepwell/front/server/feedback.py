"""POST /v1/feedback: how good was that reply?"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from stepwell.base.errors import BadRequest
from stepwell.base.request import bad_field
from stepwell.front.server.http import NotFound, Send, send_json
from stepwell.well import Stepwell


class FeedbackRequest(msgspec.Struct):
    """What a caller says of a reply; other fields (a comment) are neither read nor kept.

    Attributes:
        id: The header x-request-id, or the `id` of the answer.
        score, good: One of them: 0..1, or yes and no.
        tier: Where another tier's answer to the same ask is meant.
    """

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    score: Annotated[float, Meta(ge=0, le=1)] | None = None
    good: bool | None = None
    tier: str | None = None


async def feedback(well: Stepwell, body: bytes, tenant: str, send: Send) -> None:
    """Make an outcome of what one caller says.

    Raises:
        BadRequest: Names the field at fault; UnknownReply: this tenant has no such reply; NotFound: feedback is off.
    """
    if well.outcomes is None:
        raise NotFound("No feedback is taken here: feedback.path is not set.", code="feedback_off")
    said = _parse(body)
    if (said.score is None) == (said.good is None):
        raise BadRequest("Give either score (0 to 1) or good (true or false).", param="score")
    score = float(bool(said.good)) if said.score is None else said.score
    tier = await well.afeedback(said.id, score, tier=said.tier, tenant=tenant)
    await send_json(send, {"object": "feedback", "id": said.id, "tier": tier, "score": score})


def _parse(body: bytes) -> FeedbackRequest:
    try:
        return msgspec.json.decode(body, type=FeedbackRequest)
    except msgspec.ValidationError as e:
        raise bad_field(e) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("The body is not valid JSON.", code="invalid_json") from None
