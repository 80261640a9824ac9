"""What of one conversation would be sent, for who looks at it or sends it himself."""

from __future__ import annotations

import time

from stepwell.base.config.context import ContextConfig
from stepwell.base.embedding import RequestVector
from stepwell.base.errors import ContextTooLong
from stepwell.base.messages import Message, encode_json
from stepwell.memory.context.pack import pack
from stepwell.memory.context.packed import Packed, Room
from stepwell.memory.context.preface import preface
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.render import Line, Transcript, line
from stepwell.memory.context.talk import Talk


async def query_of(vector: RequestVector, text: str, timeout_s: float) -> Query:
    """What is looked for, with its vector where that comes in time."""
    row = await vector.get(timeout_s)
    pieces = None if row is None else await vector.get_tokens(timeout_s)
    return Query(text, row, pieces, time.time())


def prompt(talk: Talk, query: Query, room: Room, config: ContextConfig) -> tuple[list[bytes], Packed]:
    """The messages (JSON) that would be sent before the query, and the choice; blocks.

    Raises:
        ContextTooLong: What must stay takes more.
    """
    asked = Message("user", query.text)
    pins = [pin.text for pin in talk.pins]
    (found,) = pack(
        talk.thread,
        query,
        [room],
        sent=[asked],
        system=[m for m, _ in talk.system],
        pins=pins,
        summary=talk.summary,
        recent_share=config.recent_share,
        summary_share=config.summary_share,
    )
    if isinstance(found, ContextTooLong):
        raise found
    head = [bytes(raw) for _, raw in talk.system]
    said = (preface(pins, "", ""), preface((), found.summary, found.dates))
    head += [encode_json(m) for m in said if m is not None]
    return [*head, *(bytes(talk.raws[i]) for i in found.kept if i < len(talk.thread))], found


def transcript(talk: Talk, query: Query, n_tokens: int, model: str) -> str:
    """The same as one text: lines of turns under the days on which they were said; blocks."""
    thread = talk.thread
    lines = []
    for place in range(len(thread)):
        message = thread.messages([place])[0]
        lines.append(
            Line(line(message.name or message.role, thread.text_of(place)), _day(thread.at_s(place)))
        )
    return Transcript(lines, model=model).render(n_tokens, thread.relevance(query, len(thread))).text


def _day(at_s: float) -> str:
    if not at_s:
        return ""
    at = time.gmtime(at_s)
    return f"{at.tm_mday} {time.strftime('%B', at)}, {at.tm_year}"
