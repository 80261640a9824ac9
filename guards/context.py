"""What a check may know beside the text: one for each request and stage, never shared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stepwell.base.decisions import Stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.base.token_vectors import TokenVectors
    from stepwell.guards.normalise.views import View

Embed = Callable[[Sequence[str]], "NDArray[np.float32]"]


@dataclass(slots=True)
class Context:
    """Of one request at one stage.

    Attributes:
        stage: Where the text stands.
        where: Path of the text: "messages.3.content"; "" where that is not known.
        role: Of the message that holds it; "" elsewhere.
        system: The request's system and developer messages, joined by newlines.
        asked: The last user turn.
        sources: Retrieved texts and tool results of the request.
        schema: The JSON schema that the answer has to follow; None where none was asked for.
        vector_text: What `vector` and `tokens` are of; "" where there is no vector.
        vector: Its embedding, shape (384,) with the default embedder, L2-normalised.
        tokens: Its word pieces.
        embed: Embeds other texts, shape (n, dim); blocks, so it is there only where a check may block.
    """

    stage: Stage = "input"
    role: str = ""
    system: str = ""
    asked: str = ""
    sources: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    vector_text: str = ""
    vector: NDArray[np.float32] | None = None
    tokens: TokenVectors | None = None
    embed: Embed | None = None
    where: str = ""
    _views: dict[str, tuple[View, ...]] = field(default_factory=dict)
    _vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def views(self, text: str) -> tuple[View, ...]:
        """The text, and what it says undisguised; each text is normalised once."""
        made = self._views.get(text)
        if made is None:
            from stepwell.guards.normalise.views import views

            made = self._views[text] = views(text)
        return made

    def vector_of(self, text: str) -> NDArray[np.float32] | None:
        """The request's embedding, where it is of this text."""
        return self.vector if self.vector is not None and self.vector_text.strip() == text.strip() else None

    def vector_of_view(self, text: str, view: View) -> NDArray[np.float32] | None:
        """The embedding of a view of `text`: the request's, where the view is the text itself.

        Of what comes in disguised the last view, which is the plainest, is embedded too, where a check may block;
        once for all checks.
        """
        if view.text == text:
            return self.vector_of(text)
        if self.embed is None or self.vector_of(text) is None or view is not self.views(text)[-1]:
            return None
        made = self._vectors.get(view.text)
        if made is None:
            made = self._vectors[view.text] = self.embed([view.text])[0]
        return made
