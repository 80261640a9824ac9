"""Why a log refuses, in words; none of them shows an id."""

from __future__ import annotations

from stepwell.base.errors import ConversationErased, ForeignConversation


def foreign() -> ForeignConversation:
    return ForeignConversation("the conversation belongs to another user", param="conversation")


def erased() -> ConversationErased:
    return ConversationErased("the conversation was erased meanwhile; read it again")


def begun() -> ConversationErased:
    return ConversationErased("the conversation was begun by another caller meanwhile; read it again")
