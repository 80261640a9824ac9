"""What of one conversation would be sent, for who looks at it or sends it himself."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from stepwell.base.config.context import ContextConfig
from stepwell.base.embedding import RequestVector
from stepwell.base.errors import ContextTooLong
from stepwell.base.messages import Message
from stepwell.base.request import ChatRequest, Cut
from stepwell.base.tokens import count_messages, count_text, is_exact_for
from stepwell.memory.context.packing.pack import pack
from stepwell.memory.context.packing.packed import Packed, Room
from stepwell.memory.context.packing.preface import preface
from stepwell.memory.context.packing.render import Line, Transcript, line
from stepwell.memory.context.recall.query import Query
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
    system = [m for m, _ in talk.system]
    pins = [pin.text for pin in talk.pins]
    (found,) = pack(
        talk.thread,
        query,
        [room],
        sent=[asked],
        system=system,
        pins=pins,
        summary=talk.gist,
        recent_share=config.recent_share,
        summary_share=config.summary_share,
    )
    if isinstance(found, ContextTooLong):
        raise found
    held = [i for i in found.kept if i < len(talk.thread)]
    asking = ChatRequest.build({"messages": [{"role": "user", "content": query.text}]})
    sent = talk.expanded(asking, held, 0, preface(pins, "", ""))
    sent = sent.with_kept(range(len(sent.messages) - 1))
    if note := preface((), found.summary, found.dates):
        everything = Cut(tuple(range(len(sent.messages))), note.text)
        sent = msgspec.structs.replace(sent, cuts={"": everything}).for_tier("")
    if found.is_bound:
        found = _counted(found, [*sent.messages, asked], room)
    return [bytes(raw) for raw in sent.raw_messages()], found


def _counted(packed: Packed, messages: Sequence[Message], room: Room) -> Packed:
    n = count_messages(messages, model=room.model) + room.n_fixed_tokens
    return msgspec.structs.replace(packed, n_tokens=n, is_exact=is_exact_for(room.model), is_bound=False)


def transcript(talk: Talk, query: Query, n_tokens: int, model: str) -> str:
    """The same as one text: system prompt, pins, then lines of turns under their days; blocks.

    Raises:
        ContextTooLong: System prompt and pins take more.
    """
    thread = talk.thread
    head = _head(talk, n_tokens, model)
    lines = []
    for place in range(len(thread)):
        message = thread.messages([place])[0]
        lines.append(
            Line(line(message.name or message.role, thread.text_of(place)), _day(thread.at_s(place)))
        )
    if not lines:
        return head
    found, relevance = Transcript(lines, model=model), thread.relevance(query, len(thread))
    left = n_tokens - (count_text(f"{head}\n\n", model) if head else 0)
    while left > 0 and (body := found.render(left, relevance).text):
        text = f"{head}\n\n{body}" if head else body
        # where two texts meet, a vocabulary may count one more
        if (n := count_text(text, model)) <= n_tokens:
            return text
        left -= n - n_tokens
    return head


def _head(talk: Talk, n_tokens: int, model: str) -> str:
    """System prompt and pins.

    Raises:
        ContextTooLong: They take more.
    """
    pins = preface([pin.text for pin in talk.pins], "", "")
    system = "\n\n".join(m.text for m, _ in talk.system)
    head = "\n\n".join(part for part in (system, "" if pins is None else pins.text) if part)
    n = count_text(head, model)
    if n <= n_tokens:
        return head
    n_system = count_text(system, model)
    raise ContextTooLong(
        f"The system prompt takes {n_system} tokens and the pins {n - n_system}; the text may take {n_tokens}.",
        n_tokens=n,
        window_tokens=n_tokens,
    )


def _day(at_s: float) -> str:
    if not at_s:
        return ""
    at = time.gmtime(at_s)
    return f"{at.tm_mday} {time.strftime('%B', at)}, {at.tm_year}"
