"""What a local server's answers say of who gave them: llama.cpp names its file, whichever adapter answered."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from stepwell.base.messages import Answer, Event, encode_json
from stepwell.router.tiers.base import Completed, raw

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Named:
    """Writes a model's own name into answers.

    Attributes:
        model: As the body's `model`.
        version: As its `system_fingerprint`; "": llama.cpp's stays.
    """

    model: str
    version: str = ""

    def whole(self, completed: Completed) -> Completed:
        """A whole answer under this name."""
        answer: Answer = msgspec.structs.replace(completed.answer, model=self.model)
        return Completed(self._body(completed.body), answer)

    def events(self, events: list[Event]) -> list[Event]:
        """Some events of a stream under this name."""
        return [
            Event(self._body(e.payload), msgspec.structs.replace(e.chunk, model=self.model)) for e in events
        ]

    def _body(self, body: bytes) -> bytes:
        fields = _decode(body)
        fields["model"] = raw(self.model)
        if self.version:
            fields["system_fingerprint"] = raw(self.version)
        return encode_json(fields)
