"""Masks what rules find in a request, and keeps apart what its caller wrote by himself."""

from __future__ import annotations

from stepwell.base.request import ChatRequest
from stepwell.guards.leaves import Path, put
from stepwell.guards.masks.vault import Vault
from stepwell.guards.texts import Place, places


class Masker:
    """A `Masking` for one vault (guards.spans): what a rule's findings are replaced by."""

    __slots__ = ("vault",)

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    def __call__(self, kind: str, raw: str) -> str:
        """The placeholder of a value as it was said; one from a JSON string comes unescaped."""
        return self.vault.mask(kind, raw)

    def own_words(self, request: ChatRequest) -> ChatRequest:
        """Keep apart the placeholders that stand in a request as it came. Call it once, before anything is masked.

        Those that stand for nothing yet never will. Those that stand for another value, from earlier in the
        conversation, are masked as values: they come back as they were written, and show nobody that other value.

        Raises:
            BadRequest: A field can't be read.
        """
        edits: dict[str, dict[Path, str | None]] = {}
        names: list[Place] = []
        found = list(places(request, names))
        for place in (*found, *names):
            self.vault.reserve(place.text)
        for place in found:
            new = self._kept_apart(place.text)
            if new != place.text:
                edits.setdefault(str(place.path[0]), {})[place.path[1:]] = new
        if not edits:
            return request
        return request.with_fields({name: put(request.fields[name], of) for name, of in edits.items()})

    def _kept_apart(self, text: str) -> str:
        out, at = [], 0
        for start, end, kind in self.vault.own_words(text):
            out += [text[at:start], self.vault.mask(kind, text[start:end])]
            at = end
        return "".join([*out, text[at:]]) if out else text
