"""A classifier head as a tier: answers with one of the answers it has learnt, in a thousandth of a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from random import getrandbits
from typing import TYPE_CHECKING

from stepwell.base.assemble import answer_body, as_events
from stepwell.base.embedding import Embedder, RequestVector
from stepwell.base.errors import ConfigError, TierUnavailable
from stepwell.base.messages import Answer, Choice, Event, Message, Usage, decode_answer
from stepwell.base.request import ChatRequest
from stepwell.router.tiers.base import Completed
from stepwell.router.tiers.bundle import file_sha256

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.router.tiers.head_file import Head

EMBED_WITHIN_S = 30.0
# it reads no tokens, and writes one class
_USAGE = Usage(0, 1, 1)


class HeadBackend:
    """Answers from the last user's words; sampling fields of the request say nothing to it, log-probabilities that
    it asks for are left out.

    Args:
        path: The file, read when it is first asked.
        model: What the answer's `model` says.
        embedder: The well's, for a head over embeddings. A request's vector is used where it is of the same words,
            so that a request is embedded once.
        sha256: The only content of the file that is served; "": any.
    """

    def __init__(
        self,
        *,
        tier: str,
        path: Path,
        model: str,
        embedder: Callable[[], Embedder] | None = None,
        sha256: str = "",
    ) -> None:
        self._tier = tier
        self._path = path
        self._model = model
        self._embedder = embedder
        self._sha256 = sha256
        self._head: Head | None = None

    @property
    def reads_vector(self) -> bool:
        return self._embedder is not None

    async def complete(self, request: ChatRequest) -> Completed:
        body = answer_body(await self._answer(request))
        return Completed(body, decode_answer(body))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[list[Event], None]:
        yield as_events(await self._answer(request))

    async def warm(self) -> None:
        """Read the file.

        Raises:
            TierUnavailable: It can't be read.
        """
        await self._loaded()

    async def close(self) -> None:
        """Nothing to let go of."""

    async def _answer(self, request: ChatRequest) -> Answer:
        head = await self._loaded()
        text = next((m.text for m in reversed(request.messages) if m.role == "user"), "")
        vectors = None
        if head.kind == "embedding":
            vectors = (await self._vector(head, request, text))[None, :]
        [(said, _)] = head.predict([text], vectors)
        choices = [Choice(Message("assistant", said), i, "stop") for i in range(request.wire.n or 1)]
        return Answer(choices, f"chatcmpl-{getrandbits(96):024x}", self._model, int(time.time()), _USAGE)

    async def _vector(self, head: Head, request: ChatRequest, text: str) -> NDArray[np.float32]:
        shared = request.vector
        found = None
        if shared is not None and shared.is_of(text):
            found = await shared.get(EMBED_WITHIN_S)
        if found is None:
            found = await RequestVector(self._embedder, text).get(EMBED_WITHIN_S)
        if found is None:
            raise self._unavailable("the embedder gave no vector")
        if found.shape != (head.n_features,):
            raise self._unavailable(f"its head reads {head.n_features} numbers, a vector has {len(found)}")
        return found

    async def _loaded(self) -> Head:
        if self._head is None:
            from stepwell.router.tiers.head_file import Head

            try:
                head = await asyncio.to_thread(Head.load, self._path)
                # after it was read: a file that changes before is seen
                found = await asyncio.to_thread(file_sha256, self._path) if self._sha256 else ""
            except ConfigError as e:
                raise self._unavailable("its classifier head can't be read; promote it again") from e
            if found != self._sha256:
                raise self._unavailable(
                    f"its classifier head has changed since the well was built (sha256 {found[:12]}, was "
                    f"{self._sha256[:12]}): put the old file back, or start Stepwell again"
                )
            self._head = head
        return self._head

    def _unavailable(self, why: str) -> TierUnavailable:
        error = TierUnavailable(f"tier {self._tier}: {why}", tier=self._tier)
        error.is_retryable = False
        return error
