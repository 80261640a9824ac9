"""What packing is given, and what it gives."""

from __future__ import annotations

import msgspec


class Room(msgspec.Struct, frozen=True):
    """A place where the prompt may go.

    Attributes:
        n_tokens: What the whole prompt may take there: the window less the reply's reserve.
        model: Whose vocabulary counts.
        n_fixed_tokens: What goes along in any case and is no message: tools, a response schema, the deployment's own
            system prompt.
        n_reserve_tokens: What of the window the reply gets: for an error to name.
    """

    n_tokens: int
    model: str
    n_fixed_tokens: int = 0
    n_reserve_tokens: int = 0


class Packed(msgspec.Struct, frozen=True):
    """What fits one room.

    Attributes:
        kept: Places in the history of the turns kept, rising.
        n_tokens: Tokens of the whole prompt there, all that is fixed included.
        is_exact: They were counted by the model's own vocabulary; else they are on the safe side.
        n_recalled: Turns kept from before the latest exchanges.
        expected_recall: Share of what matters now among older turns that is kept, by estimate, 0..1.
        summary: The text to send in place of what was left out, "" where none is.
        dates: Says on which days the turns kept were said, "" where it need not be said.
        is_bound: n_tokens is no count but an upper bound.
        n_places: Messages that there were to choose from.
    """

    kept: tuple[int, ...]
    n_tokens: int
    is_exact: bool
    n_recalled: int = 0
    expected_recall: float = 1.0
    summary: str = ""
    dates: str = ""
    is_bound: bool = False
    n_places: int = 0
