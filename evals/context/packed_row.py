"""One recorded request, packed as the server packs one without a conversation's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from stepwell.base.config.context import ContextConfig
from stepwell.base.decisions import FitDecision
from stepwell.base.errors import BadRequest, ContextTooLong
from stepwell.base.messages import Message, n_leading
from stepwell.base.tokens import count_text
from stepwell.memory.context.packing.pack import pack
from stepwell.memory.context.packing.packed import Room
from stepwell.memory.context.recall.marks import embed_marks
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.thread.thread import Thread

if TYPE_CHECKING:
    from stepwell.base.embedding import Embedder

_N_BATCH = 64


class _Row(msgspec.Struct):
    messages: list[Message]
    window_tokens: int
    reserve_tokens: int | None = None
    model: str = ""
    tools: msgspec.Raw | None = None


def pack_row(row: dict[str, object], config: ContextConfig, embedder: Embedder) -> FitDecision:
    """What of {messages, window_tokens, reserve_tokens?, model?, tools?} is sent; embeds all its texts, so it blocks.

    Raises:
        BadRequest: A field is missing or of the wrong type.
        ContextTooLong: What must stay does not fit.
    """
    wanted = _read(row)
    n = n_leading(wanted.messages)
    thread = _thread(wanted.messages[n:], embedder)
    asked = next((m.text for m in reversed(wanted.messages) if m.role == "user"), "")
    tools = bytes(wanted.tools).decode("utf-8", "ignore") if wanted.tools is not None else ""
    room = Room(
        wanted.window_tokens - (wanted.reserve_tokens or config.reserve_tokens),
        wanted.model,
        count_text(tools, wanted.model) if tools else 0,
    )
    (found,) = pack(
        thread,
        Query(asked, embedder.embed([asked])[0] if asked else None),
        [room],
        system=wanted.messages[:n],
        recent_share=config.recent_share,
    )
    if isinstance(found, ContextTooLong):
        raise found
    return FitDecision(
        (*range(n), *(n + place for place in found.kept)),
        found.n_tokens,
        wanted.window_tokens,
        is_exact=found.is_exact,
        n_dropped=found.n_places - len(found.kept),
        n_recalled=found.n_recalled,
        expected_recall=found.expected_recall,
    )


def _thread(messages: list[Message], embedder: Embedder) -> Thread:
    thread = Thread()
    for message in messages:
        thread.add(message)
    while places := thread.unmarked(_N_BATCH):
        marks = embed_marks(embedder, [thread.text_of(place) for place in places])
        for place, mark in zip(places, marks, strict=True):
            thread.set_mark(place, mark)
    return thread


def _read(row: dict[str, object]) -> _Row:
    try:
        return msgspec.json.decode(msgspec.json.encode(row), type=_Row)
    except msgspec.ValidationError as e:
        raise BadRequest(str(e)) from None
