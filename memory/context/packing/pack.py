"""Choose what of a conversation goes into each room."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.base.errors import ContextTooLong
from stepwell.base.messages import Message
from stepwell.memory.context.log.log import Summary
from stepwell.memory.context.packing.choose import choose
from stepwell.memory.context.packing.needs import Needs, Wishes
from stepwell.memory.context.packing.packed import Packed, Room
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.thread.thread import Thread


def pack(
    thread: Thread,
    query: Query,
    rooms: Sequence[Room],
    *,
    sent: Sequence[Message] = (),
    system: Sequence[Message] = (),
    pins: Sequence[str] = (),
    summary: Summary | None = None,
    recent_share: float = 0.1,
    summary_share: float = 0.1,
    before: Packed | None = None,
    slack_share: float = 0.0,
) -> list[Packed | ContextTooLong]:
    """What of a conversation goes into each room: what must stay, the latest exchanges, what matters now, a summary.

    System messages stay, and the last user's message with everything after it, and the calls of results therein.
    Messages stay verbatim, each with its role, in their order; of older ones a tool call and its results stay or
    go together, and one without the other goes. Exact to the token; where a bound in bytes fits, nothing is
    counted, nothing is searched and all is kept. Blocks, CPU only; call it in a worker thread.

    Args:
        query: What is looked for among older turns; asked of the index once for all rooms.
        sent: Messages that follow the thread and are not (yet) part of it; their places follow, too. What of them is
            before the last turn is found by its words alone, and read anew each time: best a few.
        system: Messages that go along and are no part of the thread; they have no places.
        pins: Facts that go along (`memory.context.packing.preface` says how).
        summary: The gist of the beginning, to be sent where something it covers is left out.
        recent_share: Share of a room that the exchanges before the last turn get in any case.
        summary_share: Most of a room that the summary gets.
        before: What was last sent of this conversation. A provider's prompt cache serves a prompt's beginning as long
            as it stays the same, so what was kept is kept, and what was said since is added, as long as that fits, it
            fills most of the room, and has nine tenths of the expected recall of a fresh choice.
        slack_share: Share of a room that a fresh choice leaves free, so that the next turns can be added to it.

    Returns:
        For each room what fits, or the error that says why what must stay does not, which part is too large.

    Raises:
        ConfigError: A vocabulary is needed and is not on this machine.
    """
    with thread.lock:
        needs = Needs(thread.view(sent, sent_at_s=query.at_s), query, tuple(system), tuple(pins), summary)
        wishes = Wishes(recent_share, summary_share, before, slack_share)
        return [_packed(needs, room, wishes) for room in rooms]


def _packed(needs: Needs, room: Room, wishes: Wishes) -> Packed | ContextTooLong:
    n = needs.n_most + room.n_fixed_tokens
    if n <= room.n_tokens:
        return Packed(tuple(range(len(needs))), n, is_exact=False, is_bound=True, n_places=len(needs))
    try:
        return choose(needs, room, wishes)
    except ContextTooLong as e:
        return e
