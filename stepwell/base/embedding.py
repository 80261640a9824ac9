"""The one embedder that all stages share, and one vector a request."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar, cast, runtime_checkable

from stepwell.base import plug
from stepwell.base.config.context import EmbeddingConfig
from stepwell.base.courtesies import without_courtesies

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.base.token_vectors import TokenVectors

    _Vectors = tuple[NDArray[np.float32] | None, NDArray[np.float32], TokenVectors | None]

T = TypeVar("T")
_ST = "sentence-transformers:"
_THREAD = "stepwell-embed"
log = logging.getLogger("stepwell")


class Embedder(Protocol):
    """Turns texts into vectors. `name` tells vectors of different embedders apart: they never mix."""

    name: str
    dim: int

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of `texts`, L2-normalised, shape (n, dim). Blocks; called from one thread at a time."""


@runtime_checkable
class LayeredEmbedder(Embedder, Protocol):
    """An embedder whose middle layer has vectors for routing, of the same width."""

    def embed_middle(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors for routing alone."""

    def embed_both(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """`embed` and `embed_middle`, in one go."""


@runtime_checkable
class TokenEmbedder(LayeredEmbedder, Protocol):
    """An embedder that also shows the vectors of a text's word pieces."""

    def embed_tokens(
        self, texts: Sequence[str]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], list[TokenVectors]]:
        """`embed`, `embed_middle`, and the word pieces of each text, in one go."""


Layers = Literal["last", "middle", "both", "tokens", "all"]


def embed_for_routing(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors as a router's policy gets them, shape (n, dim). Blocks.

    Where the embedder has a middle layer that the cache does not read, courtesies are left out.
    """
    if not isinstance(embedder, LayeredEmbedder):
        return embedder.embed(texts)
    return embedder.embed_middle([without_courtesies(text) for text in texts])


def load_embedder(config: EmbeddingConfig) -> Embedder:
    """The embedder that the config names; reads its weights, so it blocks for a part of a second or more.

    Raises:
        ConfigError: It is not installed, can't be loaded, or its weights are not the pinned ones.
    """
    spec = config.embedder
    if spec == "minilm":
        from stepwell.base.minilm import MiniLM

        return MiniLM(config.n_threads)
    if spec.startswith(_ST):
        from stepwell.base.sentence_embedder import SentenceEmbedder

        return SentenceEmbedder(spec.removeprefix(_ST))
    return cast(Embedder, plug.load(spec, group="stepwell.embedders")())


def embedder_name(config: EmbeddingConfig) -> str:
    """What tells one embedder's vectors from another's; loads no weights."""
    if config.embedder != "minilm":
        return config.embedder
    from stepwell.base.minilm import MiniLM

    return MiniLM.name  # changes with the weights


class RequestVector:
    """The vectors of one request's text: computed when first asked for, once, off the event loop.

    Args:
        embedder: Gives the embedder; called in the worker, so it may load it there. None: there is no vector.
        text: What to embed.
        layers: What may be asked for: "both" is last and middle, "tokens" the last and its word pieces; where the
            embedder has one layer, that one is both.
    """

    def __init__(
        self, embedder: Callable[[], Embedder] | None, text: str, *, layers: Layers = "last"
    ) -> None:
        self._embedder = embedder
        self._text = text
        self._layers = layers
        self._future: Future[_Vectors | None] | None = None
        self.n_embedded = 0

    @property
    def text(self) -> str:
        """What is embedded."""
        return self._text

    def is_of(self, text: str) -> bool:
        """Whether it is the vector of this text; blanks around it don't count."""
        return self._text.strip() == text.strip()

    async def get(self, timeout_s: float) -> NDArray[np.float32] | None:
        """The vector, shape (dim,), L2-normalised; None where there is none, it is late or it failed.

        One that has begun when the time is up goes on, and a later call may get it; one still waiting for the
        worker is given up for good, so that a crowd of late requests does not keep the worker busy.
        """
        made = await self._get(timeout_s)
        return None if made is None else made[0]

    async def get_for_routing(self, timeout_s: float) -> NDArray[np.float32] | None:
        """As `get`: the vector of the middle layer, where the embedder has one."""
        made = await self._get(timeout_s)
        return None if made is None else made[1]

    def made_for_routing(self) -> NDArray[np.float32] | None:
        """As `get_for_routing`, where it has been computed by now; never waits."""
        future = self._future
        if future is None or not future.done() or future.cancelled():
            return None
        made = future.result()
        return None if made is None else made[1]

    def made(self, text: str) -> tuple[NDArray[np.float32], TokenVectors | None] | None:
        """As `get` and `get_tokens`, where they are of this text and have been computed by now; never waits."""
        future = self._future
        if future is None or not future.done() or future.cancelled() or not self.is_of(text):
            return None
        made = future.result()
        return None if made is None or made[0] is None else (made[0], made[2])

    async def get_tokens(self, timeout_s: float) -> TokenVectors | None:
        """As `get`: its word pieces, where they are asked for in `layers` and the embedder shows them."""
        made = await self._get(timeout_s)
        return None if made is None else made[2]

    async def _get(self, timeout_s: float) -> _Vectors | None:
        if self._embedder is None:
            return None
        if self._future is None:
            self._future = _worker().submit(self._compute, self._embedder)
        future = self._future
        if not future.done():
            await _done_or_late(future, timeout_s)
        if not future.done():
            future.cancel()
        return None if not future.done() or future.cancelled() else future.result()

    def _compute(self, embedder: Callable[[], Embedder]) -> _Vectors | None:
        self.n_embedded += 1
        try:
            made = embedder()
            if self._layers == "last" or not isinstance(made, LayeredEmbedder):
                only = _checked(made.embed([self._text]), made.dim)
                return only, only, None
            asked = self._text.strip()
            if self._layers != "tokens":  # courtesies are left out for routing alone
                asked = without_courtesies(self._text)
            if self._layers == "middle":
                return None, _checked(made.embed_middle([asked]), made.dim), None
            texts = [self._text] if asked == self._text.strip() else [self._text, asked]
            pieces = None
            if self._layers in ("tokens", "all") and isinstance(made, TokenEmbedder):
                last, middle, (pieces, *_) = made.embed_tokens(texts)
            else:
                last, middle = made.embed_both(texts)
            return _checked(last[:1], made.dim), _checked(middle[-1:], made.dim), pieces
        except Exception as e:  # noqa: BLE001 - the embedder may be a plug-in, and a request can do without
            log.warning("the embedder failed with %s; the request goes on without a vector", type(e).__name__)
            return None


async def _done_or_late(future: Future[_Vectors | None], timeout_s: float) -> None:
    """Wait for the worker; at a third of what `asyncio.wait` costs, which has a share in every decision."""
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake(_: object) -> None:
        with suppress(RuntimeError):  # the loop closed meanwhile
            loop.call_soon_threadsafe(_finish, waiter)

    future.add_done_callback(wake)
    late = loop.call_later(timeout_s, _finish, waiter)
    try:
        await waiter
    finally:
        late.cancel()


async def on_worker(work: Callable[[], T]) -> T:
    """What `work` gives, run in the thread that embeds: one thing at a time, behind what waits there."""
    return await asyncio.wrap_future(_worker().submit(work))


def embed_now(load: Callable[[], Embedder], texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors of some texts, made in the thread that embeds; blocks until they are there."""
    if threading.current_thread().name.startswith(_THREAD):
        return load().embed(texts)
    return _worker().submit(lambda: load().embed(texts)).result()


def _finish(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _checked(rows: NDArray[np.float32], dim: int) -> NDArray[np.float32]:
    import numpy as np

    row = np.asarray(rows, dtype=np.float32)
    if row.shape != (1, dim):
        raise ValueError(f"expected shape (1, {dim}), got {row.shape}")
    norm = math.sqrt(row[0] @ row[0])
    if not 0.99 < norm < 1.01:
        raise ValueError(f"expected a vector of length 1, got {norm:.3f}")
    return cast("NDArray[np.float32]", row[0])


@cache
def _worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix=_THREAD)


if hasattr(os, "register_at_fork"):  # a thread does not survive a fork
    os.register_at_fork(after_in_child=_worker.cache_clear)
