"""Tokens of a conversation's messages, each counted once for each vocabulary."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stepwell.base.messages import Message, encode_json
from stepwell.base.tokens import N_REPLY_TOKENS, count_message, frame_tokens, is_exact_for, upper_bound
from stepwell.memory.context.thread.column import Column

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_UNKNOWN = -1
_N_BESIDE = 16
_BYTES_A_TOKEN = 4


class Counts:
    """How long each message is: at most, about, and exactly where that was asked for."""

    def __init__(self) -> None:
        self._bound = Column("int32")
        self._about = Column("int32")
        self._exact: dict[str, Column] = {}
        self._beside: OrderedDict[tuple[str, bytes], int] = OrderedDict()

    def add(self, message: Message) -> None:
        bound = upper_bound([message]) - N_REPLY_TOKENS
        frame = frame_tokens(message)
        self._bound.add(bound)
        self._about.add(frame + max(bound - frame, 0) // _BYTES_A_TOKEN)

    @property
    def bound(self) -> NDArray[np.int32]:
        """The most tokens that each message has in any vocabulary, shape (n,)."""
        return self._bound.view()

    @property
    def about(self) -> NDArray[np.int32]:
        """A rough count, the same for every vocabulary, shape (n,)."""
        return self._about.view()

    def of(self, places: NDArray[np.int64], messages: Sequence[Message], model: str) -> NDArray[np.int32]:
        """Tokens of the messages at `places`, as `base.tokens.count_message` counts them, shape (n_places,).

        Raises:
            ConfigError: The vocabulary is not on this machine.
        """
        known = self._known(model)
        found: NDArray[np.int32] = known[places]
        if (found == _UNKNOWN).any():
            for place in places[found == _UNKNOWN].tolist():
                known[place] = count_message(messages[place], model)
            found = known[places]
        return found

    def beside(self, message: Message, model: str) -> int:
        """Tokens of a message that is none of these, such as a system prompt; the last few are remembered."""
        key = (model, encode_json(message))
        n = self._beside.pop(key, None)
        self._beside[key] = n = count_message(message, model) if n is None else n
        if len(self._beside) > _N_BESIDE:
            self._beside.popitem(last=False)
        return n

    def _known(self, model: str) -> NDArray[np.int32]:
        if model.startswith("local/"):  # counted in bytes
            return self.bound
        column = self._exact.setdefault(_vocabulary(model), Column("int32"))
        column.extend_to(len(self._bound), _UNKNOWN)
        return column.view()

    @property
    def n_bytes(self) -> int:
        """Memory, about."""
        return 4 * len(self._bound) * (2 + len(self._exact))


def _vocabulary(model: str) -> str:
    """Two models with the same name here have the same counts."""
    from stepwell.base.vocabulary import encoding_for

    return f"{encoding_for(model).name}{'' if is_exact_for(model) else '+'}"
