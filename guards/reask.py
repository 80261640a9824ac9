"""Ask again, with what was wrong with the last answer."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from stepwell.base.messages import Answer, Message, encode_json
from stepwell.base.request import ChatRequest


def asked_again(request: ChatRequest, answer: Answer, hints: Sequence[str]) -> ChatRequest:
    """The request as one tier gets it, followed by the answer that can't be used and why.

    An answer that calls tools is left out: providers refuse a call without its result.
    """
    said = answer.choices[0].message if answer.choices else None
    more = []
    if said is not None and said.text and not said.tool_calls:
        more.append(Message("assistant", said.text))
    faults = "; ".join(hints) or "a check refused it"
    more.append(
        Message("user", f"That answer can't be used: {faults}. Answer the request again, without that fault.")
    )
    raws = [*request.raw_messages(), *(Raw(encode_json(m)) for m in more)]
    made = request.with_messages([*request.wire.messages, *more], raws)
    return msgspec.structs.replace(made, cuts=None)
