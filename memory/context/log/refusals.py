"""Why a log refuses, in words; none of them shows an id."""

from __future__ import annotations

import math
from collections.abc import Sequence

from stepwell.base.errors import ConversationErased, ForeignConversation
from stepwell.memory.context.log.log import NewTurn


def foreign() -> ForeignConversation:
    return ForeignConversation("the conversation belongs to another user", param="conversation")


def erased() -> ConversationErased:
    return ConversationErased("the conversation was erased meanwhile; read it again")


def begun() -> ConversationErased:
    return ConversationErased("the conversation was begun by another caller meanwhile; read it again")


def check_times(turns: Sequence[NewTurn]) -> None:
    """Raise ValueError where a turn was said at no time."""
    if not all(math.isfinite(turn.at_s) for turn in turns):
        raise ValueError("at_s must be a finite number")
